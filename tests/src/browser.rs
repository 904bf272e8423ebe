//! A headless Chromium, spoken to over its debugging pipe: what a person sees and does on the dashboard.
//!
//! `STEWARD_CHROMIUM` names the program; else the one on the path is taken. Where there is none, root installs the
//! distribution's package `chromium`.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    process::Stdio,
    sync::OnceLock,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::Mutex,
};

/// Longest wait for an answer of the browser's, or for what a page is to show.
const PATIENCE: Duration = Duration::from_secs(120);

/// The names under which distributions have it.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chromium-headless-shell"];

/// The numbers of keys with which the browser itself does something.
const NUMBERS: [(&str, u32); 5] = [("Tab", 9), ("Enter", 13), (" ", 32), ("ArrowUp", 38), ("ArrowDown", 40)];

/// A browser. It ends when this is dropped.
pub struct Browser {
    line: Mutex<Line>,
    _child: Child,
    _profile: TempDir,
}

struct Line {
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    next: u64,
    /// What went wrong in scripts of any page, as they say it.
    errors: VecDeque<String>,
    /// What was received: the session and the request of each answer that is whole, and what live streams said.
    received: Vec<(String, String)>,
    told: Vec<(String, String)>,
}

/// A tab.
pub struct Tab<'a> {
    browser: &'a Browser,
    session: String,
    base: String,
}

fn found() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("STEWARD_CHROMIUM") {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).flat_map(|folder| NAMES.map(|name| folder.join(name))).find(|file| file.is_file())
}

/// The program; it is installed if it isn't there.
fn program() -> anyhow::Result<PathBuf> {
    static INSTALLED: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let look = || {
        if let Some(program) = found() {
            return Ok(program);
        }
        let missing = "there is no Chromium: install the package `chromium`, or name the program in STEWARD_CHROMIUM";
        if !nix::unistd::geteuid().is_root() {
            return Err(missing.to_owned());
        }
        let install = "apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes chromium";
        let installed = std::process::Command::new("sh").args(["-c", install]).stdout(Stdio::null()).status();
        match installed {
            Ok(status) if status.success() => found().ok_or_else(|| missing.to_owned()),
            _ => Err(format!("{missing} (apt-get didn't do it)")),
        }
    };
    INSTALLED.get_or_init(look).clone().map_err(anyhow::Error::msg)
}

impl Browser {
    pub async fn start() -> anyhow::Result<Self> {
        let program = tokio::task::spawn_blocking(program).await??;
        let profile = tempfile::Builder::new().prefix("steward-browser-").tempdir()?;
        // The browser reads commands from descriptor 3 and answers on 4: the shell puts our pipes there.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null"])
            .arg(program)
            .args(["--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
            .args(["--no-first-run", "--disable-dev-shm-usage", "--lang=en-US", "--force-color-profile=srgb"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("starting Chromium")?;
        let to = child.stdin.take().context("it has a standard input")?;
        let from = BufReader::new(child.stdout.take().context("it has a standard output")?);
        let line =
            Mutex::new(Line { to, from, next: 0, errors: VecDeque::new(), received: Vec::new(), told: Vec::new() });
        Ok(Self { line, _child: child, _profile: profile })
    }

    async fn call(&self, session: Option<&str>, method: &str, parameters: Value) -> anyhow::Result<Value> {
        let mut line = self.line.lock().await;
        let answer = tokio::time::timeout(PATIENCE, line.call(session, method, parameters)).await;
        answer.with_context(|| format!("Chromium doesn't answer {method}"))?
    }

    /// A tab of a browser that knows nothing of the other tabs, if `apart`.
    pub async fn tab(&self, base: &str, apart: bool) -> anyhow::Result<Tab<'_>> {
        let mut about = json!({ "url": "about:blank" });
        if apart {
            let context = self.call(None, "Target.createBrowserContext", json!({})).await?;
            about["browserContextId"] = context["browserContextId"].clone();
        }
        let made = self.call(None, "Target.createTarget", about).await?;
        let attach = json!({ "targetId": made["targetId"], "flatten": true });
        let attached = self.call(None, "Target.attachToTarget", attach).await?;
        let session = attached["sessionId"].as_str().context("a session has an id")?.to_owned();
        let tab = Tab { browser: self, session, base: base.to_owned() };
        for domain in ["Page.enable", "Runtime.enable", "Log.enable", "Network.enable"] {
            tab.call(domain, json!({})).await?;
        }
        Ok(tab)
    }

    /// What scripts, styles and policies of all pages have complained of since this was asked last.
    pub async fn errors(&self) -> Vec<String> {
        self.line.lock().await.errors.drain(..).collect()
    }
}

impl Line {
    async fn call(&mut self, session: Option<&str>, method: &str, parameters: Value) -> anyhow::Result<Value> {
        self.next += 1;
        let mut message = json!({ "id": self.next, "method": method, "params": parameters });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let mut bytes = serde_json::to_vec(&message)?;
        bytes.push(0);
        self.to.write_all(&bytes).await?;
        loop {
            let mut read = Vec::new();
            let length = self.from.read_until(0, &mut read).await?;
            ensure!(length > 0, "Chromium has ended");
            read.pop();
            let mut said: Value = serde_json::from_slice(&read)?;
            if said["id"] == self.next {
                ensure!(said["error"].is_null(), "{method}: {}", said["error"]);
                return Ok(said["result"].take());
            }
            match said["method"].as_str() {
                Some("Runtime.exceptionThrown") => {
                    self.errors.push_back(said["params"]["exceptionDetails"]["exception"]["description"].to_string());
                }
                // What the network says is what a test brings about; everything else is a mistake of ours.
                Some("Log.entryAdded")
                    if said["params"]["entry"]["level"] == "error"
                        && said["params"]["entry"]["source"] != "network" =>
                {
                    self.errors.push_back(said["params"]["entry"]["text"].to_string());
                }
                Some("Network.loadingFinished") => {
                    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                    self.received.push((text(&said["sessionId"]), text(&said["params"]["requestId"])));
                }
                Some("Network.eventSourceMessageReceived") => {
                    let session = said["sessionId"].as_str().unwrap_or_default().to_owned();
                    self.told.push((session, said["params"]["data"].to_string()));
                }
                // Nobody is there to press it.
                Some("Page.javascriptDialogOpening") => {
                    self.next += 1;
                    let accept = json!({ "id": self.next, "method": "Page.handleJavaScriptDialog", "params": { "accept": true }, "sessionId": said["sessionId"] });
                    let mut bytes = serde_json::to_vec(&accept)?;
                    bytes.push(0);
                    self.to.write_all(&bytes).await?;
                    self.next -= 1;
                }
                _ => {}
            }
        }
    }
}

impl Tab<'_> {
    async fn call(&self, method: &str, parameters: Value) -> anyhow::Result<Value> {
        self.browser.call(Some(&self.session), method, parameters).await
    }

    /// Opens a path of the system, and waits until it is there with its scripts.
    pub async fn open(&self, path: &str) -> anyhow::Result<()> {
        // A mark that the next page hasn't.
        self.run("window.before = true").await?;
        self.call("Page.navigate", json!({ "url": format!("{}{path}", self.base) })).await?;
        self.until("!window.before && document.readyState === 'complete'").await
    }

    /// The value of an expression, which may be a promise. One that leads away from the page may have none.
    pub async fn run(&self, expression: &str) -> anyhow::Result<Value> {
        let asked = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut answer = match self.call("Runtime.evaluate", asked).await {
            Err(error) if error.to_string().contains("Inspected target navigated") => return Ok(Value::Null),
            answer => answer?,
        };
        ensure!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        Ok(answer["result"]["value"].take())
    }

    /// Waits until an expression is true.
    pub async fn until(&self, expression: &str) -> anyhow::Result<()> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut tick = tokio::time::interval(Duration::from_millis(15));
        loop {
            tick.tick().await;
            // While a page is being left, there is nothing to ask.
            if self.run(&format!("Boolean({expression})")).await.is_ok_and(|so| so == true) {
                return Ok(());
            }
            if tokio::time::Instant::now() > deadline {
                let shown = self.run("document.body.innerText").await.unwrap_or_default();
                bail!("not so within {PATIENCE:?}: {expression}\n{}", shown.as_str().unwrap_or_default());
            }
        }
    }

    /// Waits until the page says this.
    pub async fn sees(&self, text: &str) -> anyhow::Result<()> {
        self.until(&format!("document.body.innerText.includes({})", json!(text))).await
    }

    /// The text that a page shows.
    pub async fn text(&self) -> anyhow::Result<String> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            // A page that has just been left for another has no body for a moment.
            if let Some(text) = self.run("document.body?.innerText").await?.as_str() {
                return Ok(text.to_owned());
            }
            ensure!(tokio::time::Instant::now() < deadline, "the page has no body");
            self.until("document.body").await?;
        }
    }

    /// Waits until the page has its scripts, and this; a key or a press before that would reach nobody.
    async fn has(&self, selector: &str) -> anyhow::Result<()> {
        self.until(&format!("document.readyState === 'complete' && document.querySelector({})", json!(selector))).await
    }

    /// Presses what a selector finds first.
    pub async fn press(&self, selector: &str) -> anyhow::Result<()> {
        self.has(selector).await?;
        self.run(&format!("document.querySelector({}).click()", json!(selector))).await?;
        Ok(())
    }

    /// Types into what a selector finds, as from a keyboard.
    pub async fn write(&self, selector: &str, text: &str) -> anyhow::Result<()> {
        self.has(selector).await?;
        self.run(&format!("document.querySelector({}).focus()", json!(selector))).await?;
        self.call("Input.insertText", json!({ "text": text })).await?;
        Ok(())
    }

    /// Types at the caret, wherever that is.
    pub async fn types(&self, text: &str) -> anyhow::Result<()> {
        self.call("Input.insertText", json!({ "text": text })).await?;
        Ok(())
    }

    /// Goes on with the key Tab until what a selector finds has the focus.
    pub async fn reach(&self, selector: &str) -> anyhow::Result<()> {
        const MOST: usize = 400;
        self.has(selector).await?;
        for _ in 0..MOST {
            self.key("Tab").await?;
            if self.run(&format!("document.activeElement.matches({})", json!(selector))).await? == true {
                return Ok(());
            }
        }
        bail!("the key Tab doesn't lead to {selector}")
    }

    /// Presses a key, perhaps with others held: `x`, `Escape`, `Shift+ArrowLeft`, `Control+k`.
    pub async fn key(&self, key: &str) -> anyhow::Result<()> {
        self.has("body").await?;
        let (held, key) = key.rsplit_once('+').filter(|(_, key)| !key.is_empty()).unwrap_or(("", key));
        let bits = [("Alt", 1), ("Control", 2), ("Meta", 4), ("Shift", 8)];
        let modifiers: u32 = bits.iter().filter(|(name, _)| held.contains(name)).map(|(_, bit)| bit).sum();
        let types = key.chars().count() == 1 && modifiers & 7 == 0;
        for kind in ["keyDown", "keyUp"] {
            let text = match key {
                "Enter" if modifiers == 0 => "\r",
                key if types => key,
                _ => "",
            };
            let text = if kind == "keyDown" { text } else { "" };
            let mut event = json!({ "type": kind, "key": key, "text": text, "modifiers": modifiers });
            // What the browser itself does with a key goes by its number.
            if let Some((_, number)) = NUMBERS.iter().find(|(name, _)| *name == key) {
                event["windowsVirtualKeyCode"] = (*number).into();
            }
            self.call("Input.dispatchKeyEvent", event).await?;
        }
        Ok(())
    }

    /// On the pages that are opened from now on, what is offered for eight seconds stays until it is taken, however slow the machine is.
    pub async fn keeps_offers(&self) -> anyhow::Result<()> {
        let source = "{ const after = window.setTimeout; window.setTimeout = (does, ms, ...more) => (ms === 8000 ? 0 : after(does, ms, ...more)); }";
        self.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": source })).await?;
        Ok(())
    }

    /// As on a screen of this width, in light or dark colours.
    pub async fn looks(&self, width: u32, dark: bool) -> anyhow::Result<()> {
        let mobile = width < 720;
        let height = if mobile { 844 } else { 900 };
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile });
        self.call("Emulation.setDeviceMetricsOverride", screen).await?;
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }, { "name": "prefers-reduced-motion", "value": "reduce" }] });
        self.call("Emulation.setEmulatedMedia", media).await?;
        Ok(())
    }

    /// As for somebody whose system asks for this, by the names of media features.
    pub async fn needs(&self, features: &[(&str, &str)]) -> anyhow::Result<()> {
        let features: Vec<Value> =
            features.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        self.call("Emulation.setEmulatedMedia", json!({ "features": features })).await?;
        Ok(())
    }

    /// Takes the line away from the tab, or gives it back.
    pub async fn offline(&self, away: bool) -> anyhow::Result<()> {
        let line = json!({ "offline": away, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        self.call("Network.emulateNetworkConditions", line).await?;
        Ok(())
    }

    /// The bodies of all answers that this tab has received since it was asked last, and what its live stream said.
    pub async fn received(&self) -> anyhow::Result<Vec<String>> {
        // Whatever was reported until now is read with the answer.
        self.run("1").await?;
        let (mut bodies, mut wanted) = (Vec::new(), Vec::new());
        {
            let mut line = self.browser.line.lock().await;
            let (own, others): (Vec<_>, Vec<_>) =
                std::mem::take(&mut line.told).into_iter().partition(|(session, _)| *session == self.session);
            line.told = others;
            bodies.extend(own.into_iter().map(|(_, said)| said));
            let (own, others): (Vec<_>, Vec<_>) =
                std::mem::take(&mut line.received).into_iter().partition(|(session, _)| *session == self.session);
            line.received = others;
            wanted.extend(own.into_iter().map(|(_, request)| request));
        }
        for request in wanted {
            // Of a page that was left the browser keeps nothing.
            if let Ok(answer) = self.call("Network.getResponseBody", json!({ "requestId": request })).await {
                bodies.push(answer["body"].as_str().unwrap_or_default().to_owned());
            }
        }
        Ok(bodies)
    }

    /// Keeps a picture of what is seen.
    pub async fn picture(&self, file: &Path) -> anyhow::Result<()> {
        let made = self.call("Page.captureScreenshot", json!({ "format": "png" })).await?;
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(file, STANDARD.decode(made["data"].as_str().context("a picture has data")?)?)?;
        Ok(())
    }

    /// A header that the browser sends with everything from now on.
    pub async fn speaks(&self, language: &str) -> anyhow::Result<()> {
        self.call("Network.setExtraHTTPHeaders", json!({ "headers": { "Accept-Language": language } })).await?;
        Ok(())
    }
}

/// Where pictures are kept: beside the binaries.
pub fn pictures() -> PathBuf {
    let folder = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.parent()?.join("pictures")));
    folder.unwrap_or_else(std::env::temp_dir)
}
