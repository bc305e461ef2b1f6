//! Where the lines of the access log go: a file or standard output, written by a thread of its own.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use clap::Args;
use tower_apigw::access_log::{Format, FormatError};
use tower_apigw::layer::AccessLogLayer;

use crate::exit::Failure;
use crate::signals::Hangup;

/// How many lines wait to be written.
const WAITING: usize = 8192;
/// How long the end of the program waits for the last of them.
const END: Duration = Duration::from_secs(2);

/// What is asked for.
#[derive(Debug, Args)]
#[command(next_help_heading = "Access log")]
pub(super) struct AccessLogOptions {
    /// Write a line for each request to the end of a file, or to standard output if it is `-`
    ///
    /// The line is written when the answer was taken. SIGHUP makes it open the file anew, for who moves it away. Up to
    /// 8,192 lines wait for the disk; more are left out, and counted in /metrics as
    /// apigw_access_log_dropped_lines_total.
    #[arg(long, value_name = "FILE", env = "APIGW_ACCESS_LOG")]
    access_log: Option<PathBuf>,

    /// What a line says: clf, json, xml or csv as API Gateway has them, or a text with $context variables
    ///
    /// It holds $context.requestId or $context.extendedRequestId. A variable without a value prints `-`.
    #[arg(long, value_name = "FORMAT", env = "APIGW_ACCESS_LOG_FORMAT", default_value = "clf", value_parser = format)]
    access_log_format: Format,
}

fn format(text: &str) -> Result<Format, FormatError> {
    match text {
        "clf" => Ok(Format::clf()),
        "json" => Ok(Format::json()),
        "xml" => Ok(Format::xml()),
        "csv" => Ok(Format::csv()),
        text => text.parse(),
    }
}

/// The access log of one program, whatever document it serves.
#[derive(Debug)]
pub(super) struct AccessLog {
    pub(super) layer: AccessLogLayer,
    messages: SyncSender<Message>,
    ended: Receiver<()>,
}

#[derive(Debug)]
enum Message {
    Line(String),
    Reopen,
    End,
}

impl AccessLogOptions {
    /// Opens the log if there shall be one. What is left out is added to `dropped`.
    pub(super) fn open(&self, dropped: &Arc<AtomicU64>) -> Result<Option<AccessLog>, Failure> {
        let Some(path) = &self.access_log else {
            return Ok(None);
        };
        let failure = |error: io::Error| {
            Failure::listener(format!(
                "cannot open the access log {}: {error}",
                path.display()
            ))
        };
        let output = Output::open(path).map_err(failure)?;
        let (messages, received) = sync_channel(WAITING);
        let (end, ended) = sync_channel(1);
        let lost = Arc::clone(dropped);
        thread::Builder::new()
            .name("access log".to_owned())
            .spawn(move || {
                write(output, &received, &lost);
                // Nobody may wait for it any more.
                let _ = end.try_send(());
            })
            .map_err(failure)?;
        let (lines, dropped) = (messages.clone(), Arc::clone(dropped));
        let layer = AccessLogLayer::new(self.access_log_format.clone(), move |line| {
            if lines.try_send(Message::Line(line)).is_err() {
                dropped.fetch_add(1, Ordering::Relaxed);
            }
        });
        Ok(Some(AccessLog {
            layer,
            messages,
            ended,
        }))
    }
}

impl AccessLog {
    /// Opens the file anew on each SIGHUP. Does not end.
    pub(super) fn reopens(&self, mut hangup: Hangup) -> impl Future<Output = ()> + use<> {
        let messages = self.messages.clone();
        async move {
            loop {
                hangup.next().await;
                while let Err(TrySendError::Full(_)) = messages.try_send(Message::Reopen) {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    /// Waits a while until all lines are written.
    pub(super) fn end(self) {
        let messages = self.messages;
        // In a thread of its own: it may have to wait for room.
        thread::spawn(move || messages.send(Message::End));
        if self.ended.recv_timeout(END).is_err() {
            tracing::warn!("the last lines of the access log are not written");
        }
    }
}

/// Where lines are written.
enum Output {
    File(PathBuf, BufWriter<File>),
    Standard(io::Stdout),
}

impl Output {
    fn open(path: &Path) -> io::Result<Self> {
        if path.as_os_str() == "-" {
            return Ok(Self::Standard(io::stdout()));
        }
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        Ok(Self::File(path.to_owned(), BufWriter::new(file)))
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::File(_, file) => file,
            Self::Standard(output) => output,
        }
    }

    /// Forgets what is in the buffer, which would be written again, for ever.
    fn forget(&mut self) {
        if let Self::File(path, file) = self
            && let Ok(again) = file.get_ref().try_clone()
        {
            let path = std::mem::take(path);
            let again = Self::File(path, BufWriter::new(again));
            if let Self::File(_, file) = std::mem::replace(self, again) {
                drop(file.into_parts());
            }
        }
    }

    /// Opens the file again, and stays with the one before if that fails.
    fn reopen(&mut self) {
        let Self::File(path, _) = self else {
            return;
        };
        match Self::open(path) {
            Ok(again) => {
                *self = again;
                tracing::info!("opened the access log again");
            }
            Err(error) => {
                tracing::error!(%error, path = %path.display(), "cannot open the access log again; the file before is written on");
            }
        }
    }
}

/// Writes lines until the end is told.
fn write(output: Output, messages: &Receiver<Message>, dropped: &AtomicU64) {
    let mut writer = Writer {
        output,
        dropped,
        buffered: 0,
        failing: false,
    };
    loop {
        let message = match messages.try_recv() {
            // Nothing is waiting: what there is may be seen.
            Err(TryRecvError::Empty) => {
                writer.flush();
                messages.recv().ok()
            }
            received => received.ok(),
        };
        match message {
            Some(Message::Line(line)) => writer.line(line),
            Some(Message::Reopen) => {
                writer.flush();
                writer.output.reopen();
            }
            Some(Message::End) | None => break,
        }
    }
    writer.flush();
}

struct Writer<'a> {
    output: Output,
    dropped: &'a AtomicU64,
    /// How many lines there are of which nobody knows yet whether they were written.
    buffered: u64,
    failing: bool,
}

impl Writer<'_> {
    fn line(&mut self, mut line: String) {
        line.push('\n');
        self.buffered += 1;
        if let Err(error) = self.output.writer().write_all(line.as_bytes()) {
            self.failed(&error);
        }
    }

    fn flush(&mut self) {
        match self.output.writer().flush() {
            Ok(()) => (self.buffered, self.failing) = (0, false),
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&mut self, error: &io::Error) {
        let lost = std::mem::take(&mut self.buffered);
        self.dropped.fetch_add(lost, Ordering::Relaxed);
        if !std::mem::replace(&mut self.failing, true) {
            tracing::error!(%error, "cannot write to the access log");
        }
        self.output.forget();
    }
}
