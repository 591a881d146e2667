//! A container's process on a leash: it cannot outlive the sandbox.
//!
//! 1. `/bin/sh` leads a process group of its own and starts the program in it, output into the log.
//! 2. A second shell in the group reads the leash, a pipe that only the sandbox holds: a line is a signal for the program,
//!    the end (the sandbox let go, or died) is SIGKILL for the whole group.
//! 3. When the program ends, the first shell reports its status; the sandbox lets go, so what the program left behind ends
//!    as well.
//!
//! A program that leaves its process group escapes this, as it would escape a terminal.

use std::io::{self, PipeWriter, Write as _};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};

/// `$1` is the log; the rest is the program and its arguments.
const SUPERVISOR: &str = r#"
log=$1
shift
exec 3<&0 </dev/null
"$@" 3<&- >>"$log" 2>&1 &
program=$!
{
    while read -r signal <&3; do kill -s "$signal" "$program"; done
    kill -s KILL 0
} >/dev/null 2>&1 &
exec 3<&-
wait "$program"
echo "$?"
wait
"#;

/// What is to run.
#[derive(Debug, Clone)]
pub(super) struct Launch {
    /// Program (a path on the host) and arguments.
    pub(super) arguments: Vec<String>,
    /// Its whole environment.
    pub(super) environment: Vec<(String, String)>,
    /// Its working folder, on the host.
    pub(super) folder: PathBuf,
    /// Where its output goes.
    pub(super) log: PathBuf,
}

/// The sandbox's end of the pipe. When the last holder drops it, or [`Leash::release`] is called, the process dies.
#[derive(Clone)]
pub(crate) struct Leash(Arc<Mutex<Option<PipeWriter>>>);

/// A running process.
pub(super) struct Process {
    shell: Child,
    report: BufReader<ChildStdout>,
    leash: Leash,
}

impl Leash {
    /// Sends a signal by name, without `SIG`.
    pub(super) fn signal(&self, name: &str) {
        if let Some(pipe) = self.lock().as_mut() {
            let _a_dead_process_hears_nothing = pipe.write_all(format!("{name}\n").as_bytes());
        }
    }

    /// Kills the process and all it started.
    pub(crate) fn release(&self) {
        self.lock().take();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<PipeWriter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Process {
    /// Starts a program.
    pub(super) fn start(launch: &Launch) -> io::Result<Self> {
        let (read, write) = io::pipe()?;
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", SUPERVISOR, "sh"])
            .arg(&launch.log)
            .args(&launch.arguments)
            .env_clear()
            .envs(launch.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&launch.folder)
            .stdin(Stdio::from(read))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        let mut shell = command.spawn()?;
        let report = shell.stdout.take().ok_or_else(|| io::Error::other("the supervisor has no output"))?;
        let leash = Leash(Arc::new(Mutex::new(Some(write))));
        Ok(Self { shell, report: BufReader::new(report), leash })
    }

    /// The leash of this process.
    pub(super) fn leash(&self) -> Leash {
        self.leash.clone()
    }

    /// Waits until the program has ended; returns its exit code, 128 and the signal's number if a signal ended it.
    /// May be dropped and called again.
    pub(super) async fn ended(&mut self) -> i32 {
        let mut line = String::new();
        let read = self.report.read_line(&mut line).await;
        match read {
            Ok(_) => line.trim().parse().unwrap_or(137),
            Err(_) => 137,
        }
    }

    /// Kills what is left of the process group and waits for it.
    pub(super) async fn bury(mut self) {
        self.leash.release();
        let _gone_either_way = self.shell.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::time::Duration;

    fn launch(folder: &Path, script: &str) -> Launch {
        Launch {
            arguments: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
            environment: vec![("GREETING".to_owned(), "hello there".to_owned())],
            folder: folder.to_owned(),
            log: folder.join("log"),
        }
    }

    async fn appears(path: &Path) -> String {
        loop {
            match std::fs::read_to_string(path) {
                Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
                _ => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }

    async fn gone(pid: &str) {
        let stat = format!("/proc/{pid}/stat");
        // A zombie that waits for init to notice is as good as gone.
        while std::fs::read_to_string(&stat).is_ok_and(|text| !text.contains(") Z ")) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn output_environment_and_status_come_through() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Process::start(&launch(folder.path(), "echo $GREETING; pwd; exit 7")).unwrap();
        assert_eq!(process.ended().await, 7);
        process.bury().await;
        let expected = format!("hello there\n{}\n", folder.path().canonicalize().unwrap().display());
        assert_eq!(std::fs::read_to_string(folder.path().join("log")).unwrap(), expected);
    }

    #[tokio::test]
    async fn signals_reach_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let script = "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.01; done";
        let mut process = Process::start(&launch(folder.path(), script)).unwrap();
        appears(&folder.path().join("log")).await;
        process.leash().signal("TERM");
        assert_eq!(process.ended().await, 3);
        process.bury().await;
        assert!(std::fs::read_to_string(folder.path().join("log")).unwrap().ends_with("bye\n"));
    }

    #[tokio::test]
    async fn letting_go_kills_the_program_and_what_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let script = "trap '' TERM; sleep 1000 & echo $$ $! >pids; wait";
        let process = Process::start(&launch(folder.path(), script)).unwrap();
        let pids = appears(&folder.path().join("pids")).await;
        process.leash().release();
        for pid in pids.split(' ') {
            gone(pid).await;
        }
        process.bury().await;
    }

    #[tokio::test]
    async fn what_a_program_leaves_behind_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut process =
            Process::start(&launch(folder.path(), "sleep 1000 & echo $! >pid; exit 0")).unwrap();
        let pid = appears(&folder.path().join("pid")).await;
        assert_eq!(process.ended().await, 0);
        process.bury().await;
        gone(&pid).await;
    }
}
