//! nginx and HAProxy in front of the gateway and behind it: what one of them takes for so many
//! requests, the gateway takes for the same, or refuses.

use std::fs;
use std::process::{Child, Command, Stdio};

use super::desync::{Seen, cases, statuses, strict};
use super::*;

/// A proxy in a process of its own.
struct Neighbour {
    process: Child,
    address: SocketAddr,
    files: std::path::PathBuf,
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.files);
    }
}

const NGINX: &str = "daemon off; master_process off; error_log stderr crit; pid FOLDER/pid;
events {}
http {
  access_log off; client_body_temp_path FOLDER/a; proxy_temp_path FOLDER/b;
  fastcgi_temp_path FOLDER/c; uwsgi_temp_path FOLDER/d; scgi_temp_path FOLDER/e;
  upstream next { server TARGET; keepalive 8; }
  server {
    listen LISTEN;
    location / {
      proxy_pass http://next; proxy_http_version 1.1; proxy_set_header Connection \"\";
      proxy_request_buffering off;
    }
  }
}
";

const HAPROXY: &str = "global
  maxconn 100
defaults
  mode http
  timeout connect 2s
  timeout client 2s
  timeout server 2s
  http-reuse always
listen all
  bind LISTEN
  server next TARGET
";

/// Starts `program` between `LISTEN` and `target`; none if it is not installed.
async fn neighbour(program: &str, target: SocketAddr) -> Option<Neighbour> {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap();
    drop(port);
    let files = std::env::temp_dir().join(format!("apigw-{program}-{}", address.port()));
    fs::create_dir_all(&files).unwrap();
    let (text, before) = match program {
        "nginx" => (NGINX, "-c"),
        _ => (HAPROXY, "-f"),
    };
    let text = text
        .replace("FOLDER", files.to_str().unwrap())
        .replace("LISTEN", &address.to_string())
        .replace("TARGET", &target.to_string());
    let path = files.join("conf");
    fs::write(&path, text).unwrap();
    let process = Command::new(program)
        .arg(before)
        .arg(&path)
        .env("PATH", "/usr/sbin:/usr/local/sbin:/usr/bin:/bin")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let neighbour = Neighbour {
        process,
        address,
        files,
    };
    for _ in 0..100 {
        if TcpStream::connect(address).await.is_ok() {
            return Some(neighbour);
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("{program} does not listen");
}

/// What the backend saw as a whole: a body that breaks off takes its request with it.
fn take(seen: &Seen) -> Vec<String> {
    let mut seen = std::mem::take(&mut *seen.lock().unwrap());
    seen.retain(|seen| !seen.starts_with("no body"));
    seen
}

/// Whether `some` are of `all`, in their order: what is missing was refused.
fn are_of(some: &[String], all: &[String]) -> bool {
    let mut all = all.iter();
    some.iter().all(|one| all.any(|other| one == other))
}

#[tokio::test]
#[ignore = "needs nginx and haproxy, and takes a while"]
async fn no_neighbour_reads_another_number_of_requests() {
    let mut wrong = Vec::new();
    for program in ["nginx", "haproxy"] {
        // The proxy alone, the gateway alone, and each behind the other.
        let backend = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = backend.local_addr().unwrap();
        let seen = strict(backend, false);
        let Some(alone) = neighbour(program, address).await else {
            println!("skipped: {program} is not installed");
            continue;
        };
        let gateway = Gateway::with(server(), stage(), |_| {
            Way::Proxy.integration(address.to_string())
        })
        .await;
        let in_front = neighbour(program, gateway.address).await.unwrap();
        let behind = Gateway::with(server(), stage(), |_| {
            Way::Proxy.integration(alone.address.to_string())
        })
        .await;
        let mut refused = 0;
        for (name, bytes, _, expected) in cases() {
            let expected: Vec<String> = expected.iter().map(|&text| text.to_owned()).collect();
            statuses(alone.address, bytes.as_bytes()).await;
            let by_it = take(&seen);
            statuses(in_front.address, bytes.as_bytes()).await;
            let in_front = take(&seen);
            statuses(behind.address, bytes.as_bytes()).await;
            let behind = take(&seen);
            // What the gateway forwards is read in one way by what stands behind it.
            if behind != expected && !are_of(&behind, &expected) {
                wrong.push(format!(
                    "{name}, {program} behind: {behind:?}, expected {expected:?}"
                ));
            }
            // What the proxy forwards is read by the gateway as by a backend that is strict.
            if !are_of(&in_front, &by_it) {
                wrong.push(format!(
                    "{name}, {program} in front: {in_front:?}, alone {by_it:?}"
                ));
            }
            refused += by_it.len().saturating_sub(in_front.len());
        }
        println!("{program}: the gateway refused {refused} requests that it let pass");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
