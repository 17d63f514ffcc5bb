//! A `tillroll` process: started, watched, killed or stopped, and never left behind.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::client::{Answer, Client, Request};
use crate::command::SECRET;

/// What a process may take at most to start or to end by itself. Nothing is measured with it: a
/// test that reaches it has found a hang.
const PATIENCE: Duration = Duration::from_secs(600);

/// How `serve` is to be started.
#[derive(Clone, Debug)]
pub struct Launch {
    data: PathBuf,
    /// A command that runs what is behind it in its own process, as `env` does.
    under: Vec<OsString>,
    snapshot_every: u32,
    segment_bytes: Option<u64>,
    asleep_for: Option<u32>,
    clock_is_right: bool,
}

impl Launch {
    pub fn on(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            under: Vec::new(),
            // So often that some are under way whenever something goes wrong.
            snapshot_every: 40,
            segment_bytes: None,
            asleep_for: None,
            clock_is_right: false,
        }
    }

    /// Makes none while it serves.
    pub fn with_rare_snapshots(mut self) -> Self {
        self.snapshot_every = 1_000_000;
        self
    }

    /// Ends segments of the log after so many bytes.
    pub fn with_segments_of(mut self, bytes: u64) -> Self {
        self.segment_bytes = Some(bytes);
        self
    }

    /// Opens a book that nobody has written to for so many days.
    pub fn asleep_for(mut self, days: u32) -> Self {
        self.asleep_for = Some(days);
        self
    }

    /// Answers for the machine's clock.
    pub fn by_the_right_clock(mut self) -> Self {
        self.clock_is_right = true;
        self
    }

    pub fn under<S: Into<OsString>>(mut self, command: impl IntoIterator<Item = S>) -> Self {
        self.under = command.into_iter().map(Into::into).collect();
        self
    }

    /// Starts the process and does not wait.
    pub fn spawn(&self) -> Server {
        let line = self.under.iter().map(OsString::as_os_str);
        let line: Vec<_> = line.chain([TILLROLL.as_ref()]).collect();
        let mut child = clean(Command::new(line[0]))
            .args(&line[1..])
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(["--snapshot-every", &self.snapshot_every.to_string()])
            .args(
                self.segment_bytes
                    .map(|bytes| format!("--segment-bytes={bytes}")),
            )
            .args(self.asleep_for.map(|days| format!("--asleep-for={days}")))
            .args(self.clock_is_right.then_some("--clock-is-right"))
            .arg("--data")
            .arg(&self.data)
            .env("TILLROLL_STRIPE_WEBHOOK_SECRET", SECRET)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{line:?}: {error}"));
        let errors = BufReader::new(child.stderr.take().expect("it is piped"));
        let said = Arc::new(Mutex::new(String::new()));
        let (ready, address) = mpsc::channel();
        let listener = std::thread::spawn({
            let said = Arc::clone(&said);
            move || {
                for line in errors.split(b'\n').map_while(Result::ok) {
                    let line = String::from_utf8_lossy(&line);
                    if let Some((_, address)) = line.rsplit_once(" on http://")
                        && let Ok(address) = address.trim().parse()
                    {
                        // No caller may wait for it.
                        ready.send(address).unwrap_or_default();
                    }
                    let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
                    said.push_str(&line);
                    said.push('\n');
                }
            }
        });
        Server {
            child,
            said,
            address,
            listener: Some(listener),
        }
    }

    /// Starts the process and waits until it serves, or has ended.
    pub fn start(&self) -> Result<Running, Ended> {
        self.spawn().ready()
    }

    /// Starts the process, which has to serve.
    #[track_caller]
    pub fn serve(&self) -> Running {
        self.start()
            .unwrap_or_else(|ended| panic!("it did not start: {ended:?}"))
    }
}

/// A process that may not serve yet.
#[derive(Debug)]
pub struct Server {
    child: Child,
    said: Arc<Mutex<String>>,
    address: mpsc::Receiver<SocketAddr>,
    listener: Option<JoinHandle<()>>,
}

/// A process that serves.
#[derive(Debug)]
pub struct Running {
    server: Server,
    pub address: SocketAddr,
}

/// A process that has ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    /// Its standard error.
    pub said: String,
}

impl Ended {
    /// It has to have failed in an orderly way: exit code 1 and a reason.
    #[track_caller]
    pub fn failed(self) -> Self {
        assert_eq!(self.status.code(), Some(1), "{self:?}");
        assert!(self.said.contains("error: "), "{self:?}");
        assert!(!self.said.contains("panicked"), "{self:?}");
        self
    }

    /// Whether it has told of a tail that it cut.
    pub fn cut_a_tail(&self) -> bool {
        self.said.contains("an append that was cut short")
    }

    #[track_caller]
    pub fn says(&self, part: &str) -> &Self {
        assert!(self.said.contains(part), "no {part:?} in {self:?}");
        self
    }
}

impl Server {
    /// Waits until it serves, or has ended.
    pub fn ready(self) -> Result<Running, Ended> {
        match self.address.recv_timeout(PATIENCE) {
            Ok(address) => Ok(Running {
                server: self,
                address,
            }),
            // Its standard error is closed.
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(self.wait()),
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("it neither serves nor ends: {self:?}"),
        }
    }

    pub fn kill(mut self) -> Ended {
        self.child.kill().expect("a child of ours can be killed");
        self.wait()
    }

    /// Waits for the process to end by itself.
    pub fn wait(mut self) -> Ended {
        let since = Instant::now();
        let status = loop {
            match self.child.try_wait().expect("a child of ours") {
                Some(status) => break status,
                None if since.elapsed() > PATIENCE => panic!("it does not end: {self:?}"),
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        };
        if let Some(listener) = self.listener.take() {
            listener.join().expect("the reader of standard error");
        }
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        Ended {
            status,
            said: said.clone(),
        }
    }

    fn signal(&self, name: &str) {
        // The shell's own, because the program is not everywhere.
        let sent = Command::new("sh")
            .args([
                "-c",
                r#"kill -s "$0" "$1""#,
                name,
                &self.child.id().to_string(),
            ])
            .status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -s {name}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already, unless a test failed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Running {
    pub fn client(&self) -> Client {
        Client::connect(self.address)
            .unwrap_or_else(|error| panic!("{error}: {:?}", self.server.said))
    }

    #[track_caller]
    pub fn send(&self, request: &Request) -> Answer {
        self.client()
            .send(request)
            .unwrap_or_else(|error| panic!("{error}: {request:?}, {:?}", self.server.said))
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.send(&Request::get(path)).expect(200)
    }

    /// What it has said so far.
    pub fn said(&self) -> String {
        let said = self.server.said.lock();
        said.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn kill(self) -> Ended {
        self.server.kill()
    }

    pub fn signal(&self, name: &str) {
        self.server.signal(name);
    }

    pub fn wait(self) -> Ended {
        self.server.wait()
    }

    /// Asks it to end in good order, if it has not ended yet.
    pub fn ask_to_stop(&mut self) {
        if let Ok(None) = self.server.child.try_wait() {
            self.server.signal("TERM");
        }
    }

    /// Stops it in good order.
    #[track_caller]
    pub fn stop(self) -> Ended {
        self.signal("TERM");
        let ended = self.wait();
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        ended
    }
}

const TILLROLL: &str = env!("CARGO_BIN_EXE_tillroll");

fn clean(mut command: Command) -> Command {
    for name in [
        "RUST_LOG",
        "TILLROLL_DATA",
        "TILLROLL_STRIPE_WEBHOOK_SECRET",
    ] {
        command.env_remove(name);
    }
    command
}

/// Runs another command on a data directory, to its end.
pub fn tillroll(command: &[&str], data: &Path) -> Output {
    clean(Command::new(TILLROLL))
        .args(command)
        .arg("--data")
        .arg(data)
        .output()
        .expect("the binary runs")
}

/// `tillroll verify`, which has to find nothing wrong: its report.
#[track_caller]
pub fn verify(data: &Path, context: &dyn std::fmt::Display) -> serde_json::Value {
    let ran = tillroll(&["verify", "--json"], data);
    let (out, err) = (text(&ran.stdout), text(&ran.stderr));
    assert_eq!(ran.status.code(), Some(0), "{context}: {out}{err}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{context}: {error}: {out}{err}"))
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
