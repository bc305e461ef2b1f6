//! Many rounds of faults leave nothing behind: no task, no connection, no memory.

use super::*;

/// What a round of clients and backends leaves is counted on a runtime of its own.
fn rounds(count: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let gateway = Gateway::new(Way::Proxy).await;
        // What is made once is there after some.
        for round in 0..20 {
            fault(&gateway, round).await;
        }
        let idle = settled().await;
        let memory = resident();
        for round in 0..count {
            fault(&gateway, round).await;
        }
        let left = settled().await;
        println!(
            "{count} rounds: tasks {} to {}, files {} to {}, {memory} to {} KiB resident",
            idle.0,
            left.0,
            idle.1,
            left.1,
            resident()
        );
        assert!(left.0 <= idle.0, "tasks: {idle:?} and then {left:?}");
        if count >= 1000 {
            // Alone in its process; the allocator keeps some of what it had.
            assert!(left.1 <= idle.1 + 2, "files: {idle:?} and then {left:?}");
            assert!(resident() <= memory + 8 * 1024, "{memory} KiB before");
        }
        assert_eq!(gateway.stop().await, End::Drained);
    });
}

/// The tasks and files that stay when everything has had its time.
async fn settled() -> (usize, usize) {
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let mut least = (tasks(), files());
    for _ in 0..20 {
        sleep(Duration::from_millis(50)).await;
        least = (least.0.min(tasks()), least.1.min(files()));
    }
    least
}

/// Open files of the process, where they can be counted.
fn files() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// Resident memory in KiB, where it can be told.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = pages.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0) * 4
}

/// One of the faults that leave soon.
async fn fault(gateway: &Gateway, round: usize) {
    const POST: &str = "POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 9\r\n\r\nhalf";
    let answer = match round % 8 {
        0 => "",
        1 => "HTTP/1.1 200 OK\r\n",
        2 => "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
        3 => "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        4 => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\nbroken",
        5 => "what is this\r\n\r\n",
        // The client leaves.
        _ => "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
    };
    let mut client = gateway.client().await;
    client.send(if round % 8 == 7 { POST } else { GET }).await;
    let mut backend = gateway.backend().await;
    backend.head().await;
    backend.send(answer).await;
    if round % 8 >= 6 {
        reset(client);
        closed(&mut backend).await;
    } else {
        reset(backend);
        let got = got(&mut client, "GET").await;
        assert_ne!(got, Got::Whole(200, "half".into()));
    }
}

#[test]
fn some_rounds_leave_nothing() {
    rounds(80);
}

#[test]
#[ignore = "takes a minute, and counts memory and files of the whole process: run it alone"]
fn ten_thousand_rounds_leave_nothing() {
    rounds(10_000);
}
