//! The one door through which files enter, and the paths a program may name.
//!
//! A program reads below its own folder (and folders given by `--allow-read`), and writes below `--out`. Symbolic
//! links are followed before the check. An embedder brings a [`Loader`] of its own.

use crate::fault::{Fault, ticked_all};
use crate::suggest;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, ErrorKind, Read};
use std::path::{Component, Path, PathBuf};

/// Gives a program the bytes of the files it names.
pub trait Loader: Send + Sync {
    /// The whole file. Errors are `durbin::io::…`.
    fn read(&self, path: &str) -> Result<Vec<u8>, Fault>;

    /// The file from its beginning, for what is read once and in order. What goes wrong later, such as a file that
    /// changes meanwhile, is an error of the reader.
    fn stream(&self, path: &str) -> Result<Box<dyn Read + Send>, Fault> {
        Ok(Box::new(Cursor::new(self.read(path)?)))
    }

    /// Says whether a file is as it was: two equal stamps, one content. `None`: it cannot be said without reading.
    fn stamp(&self, _path: &str) -> Option<String> {
        None
    }

    /// At most `limit` bytes from its beginning, for the checker.
    fn head(&self, path: &str, limit: usize) -> Result<Vec<u8>, Fault> {
        let mut bytes = self.read(path)?;
        bytes.truncate(limit);
        Ok(bytes)
    }
}

impl<T: Loader + ?Sized> Loader for &T {
    fn read(&self, path: &str) -> Result<Vec<u8>, Fault> {
        (**self).read(path)
    }

    fn stream(&self, path: &str) -> Result<Box<dyn Read + Send>, Fault> {
        (**self).stream(path)
    }

    fn stamp(&self, path: &str) -> Option<String> {
        (**self).stamp(path)
    }

    fn head(&self, path: &str, limit: usize) -> Result<Vec<u8>, Fault> {
        (**self).head(path, limit)
    }
}

/// Files on disk below one folder and the folders allowed beside it.
#[derive(Clone, Debug)]
pub struct DiskLoader {
    root: PathBuf,
    allowed: Vec<PathBuf>,
}

impl DiskLoader {
    /// `root`: the program's folder; `allowed`: what `--allow-read` names. Folders that do not exist allow nothing.
    pub fn new(root: &Path, allowed: &[PathBuf]) -> DiskLoader {
        let canonical = |p: &Path| fs::canonicalize(p).unwrap_or_else(|_| p.to_path_buf());
        DiskLoader { root: canonical(root), allowed: allowed.iter().map(|p| canonical(p)).collect() }
    }

    /// Where a path of the program leads, links resolved.
    fn resolve(&self, path: &str) -> Result<PathBuf, Fault> {
        refuse_foreign(path)?;
        let joined = self.root.join(path);
        let inside = |p: &Path| p.starts_with(&self.root) || self.allowed.iter().any(|a| p.starts_with(a));
        match fs::canonicalize(&joined) {
            Ok(full) if inside(&full) => Ok(full),
            Ok(full) => Err(outside(path, &full)),
            Err(e) if e.kind() == ErrorKind::PermissionDenied => Err(no_permission(path)),
            Err(_) => {
                let plain = normalized(&joined);
                if inside(&plain) { Err(self.not_found(path, &plain)) } else { Err(outside(path, &plain)) }
            }
        }
    }

    fn not_found(&self, path: &str, full: &Path) -> Fault {
        let folder = full.parent().unwrap_or(&self.root);
        let shown = match path.rsplit_once('/') {
            Some((dir, _)) => format!("the folder `{dir}`"),
            None => "the program's folder".to_string(),
        };
        let fault = Fault::error("durbin::io::not_found", format!("there is no file `{path}` in {shown}"));
        let mut names: Vec<String> = fs::read_dir(folder)
            .map(|entries| entries.flatten().filter_map(|e| e.file_name().into_string().ok()).collect())
            .unwrap_or_default();
        names.retain(|n| !n.starts_with('.'));
        names.sort();
        let wanted = path.rsplit('/').next().unwrap_or(path);
        match suggest::did_you_mean(wanted, names.iter().map(String::as_str)) {
            Some(help) => fault.help(help),
            None if !folder.is_dir() => {
                fault.help("there is no such folder; paths are relative to the program's folder")
            }
            None if names.is_empty() => fault.help("the folder is empty; paths are relative to the program's folder"),
            None => fault.help("paths are relative to the program's folder"),
        }
    }

    fn open(&self, path: &str) -> Result<fs::File, Fault> {
        let full = self.resolve(path)?;
        if full.is_dir() {
            let inside: Vec<String> = listing(&full);
            let help = match inside.as_slice() {
                [] => "name a file".to_string(),
                files => format!("name a file in it: {}", ticked_all(&prefixed(path, &files[..files.len().min(5)]))),
            };
            return Err(
                Fault::error("durbin::io::is_directory", format!("`{path}` is a folder, not a file")).help(help)
            );
        }
        if !full.is_file() {
            let message = format!("`{path}` is no ordinary file: it cannot be read twice");
            return Err(Fault::error("durbin::io::no_permission", message).help("copy what it gives into a file"));
        }
        fs::File::open(&full).map_err(|e| match e.kind() {
            ErrorKind::PermissionDenied => no_permission(path),
            _ => Fault::error("durbin::io::not_found", format!("`{path}` cannot be opened: {e}")),
        })
    }
}

impl Loader for DiskLoader {
    fn read(&self, path: &str) -> Result<Vec<u8>, Fault> {
        let mut file = self.open(path)?;
        let before = state(&file);
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|e| unreadable(path, &e))?;
        let whole = before.as_ref().is_none_or(|(length, _)| *length == bytes.len() as u64);
        if !whole || before != state(&file) {
            return Err(changed(path));
        }
        Ok(bytes)
    }

    fn stream(&self, path: &str) -> Result<Box<dyn Read + Send>, Fault> {
        let file = self.open(path)?;
        Ok(Box::new(Watched { before: state(&file), file }))
    }

    fn stamp(&self, path: &str) -> Option<String> {
        let (length, changed) = state(&self.open(path).ok()?)?;
        Some(format!("{length} {changed:?}"))
    }

    fn head(&self, path: &str, limit: usize) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        self.open(path)?.take(limit as u64).read_to_end(&mut bytes).map_err(|e| unreadable(path, &e))?;
        Ok(bytes)
    }
}

/// Files held in memory, by path: for tests and embedders.
#[derive(Clone, Debug, Default)]
pub struct MemoryLoader {
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Loader for MemoryLoader {
    fn read(&self, path: &str) -> Result<Vec<u8>, Fault> {
        refuse_foreign(path)?;
        self.files.get(path).cloned().ok_or_else(|| {
            let fault = Fault::error("durbin::io::not_found", format!("there is no file `{path}`"));
            match suggest::did_you_mean(path, self.files.keys().map(String::as_str)) {
                Some(help) => fault.help(help),
                None => fault,
            }
        })
    }

    fn stamp(&self, path: &str) -> Option<String> {
        self.files.get(path).map(|bytes| blake3::hash(bytes).to_hex().to_string())
    }
}

/// A file that must be the same when it ends as it was when it was opened.
struct Watched {
    file: fs::File,
    before: Option<(u64, std::time::SystemTime)>,
}

impl Read for Watched {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let n = self.file.read(into)?;
        if n == 0 && !into.is_empty() && state(&self.file) != self.before {
            return Err(std::io::Error::other("the file changed while it was read"));
        }
        Ok(n)
    }
}

/// Length and time of the last change, where the system says them.
fn state(file: &fs::File) -> Option<(u64, std::time::SystemTime)> {
    let known = file.metadata().ok()?;
    Some((known.len(), known.modified().ok()?))
}

fn changed(path: &str) -> Fault {
    Fault::error("durbin::io::changed", format!("`{path}` changed while it was read"))
        .help("run the program again when nothing writes to the file")
}

fn unreadable(path: &str, e: &std::io::Error) -> Fault {
    Fault::error("durbin::io::no_permission", format!("`{path}` cannot be read: {e}"))
}

fn no_permission(path: &str) -> Fault {
    Fault::error("durbin::io::no_permission", format!("`{path}` may not be read"))
        .help("give read permission to the file, or name another")
}

fn outside(path: &str, leads: &Path) -> Fault {
    Fault::error(
        "durbin::io::outside",
        format!("`{path}` lies outside the program's folder: it leads to `{}`", leads.display()),
    )
    .help("copy the file into the program's folder, or allow its folder with `--allow-read DIR`")
}

fn listing(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .map(|entries| entries.flatten().filter_map(|e| e.file_name().into_string().ok()).collect())
        .unwrap_or_default();
    names.sort();
    names
}

fn prefixed(folder: &str, names: &[String]) -> Vec<String> {
    names.iter().map(|n| format!("{}/{n}", folder.trim_end_matches('/'))).collect()
}

/// `a/./b/../c` → `a/c`, without touching the disk.
pub fn normalized(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// Addresses, absolute paths and those that only one system reads as folders are never read or written.
pub fn refuse_foreign(path: &str) -> Result<(), Fault> {
    if path.trim().is_empty() {
        return Err(Fault::error("durbin::io::not_found", "the path of a file is empty").help("name a file"));
    }
    if path.split_once("://").is_some_and(|(scheme, _)| scheme.chars().all(|c| c.is_ascii_alphanumeric())) {
        return Err(Fault::error("durbin::io::url", format!("`{path}` is an address: a program reads files only"))
            .help("download it into the program's folder and name the file"));
    }
    let mut chars = path.chars();
    let drive = matches!((chars.next(), chars.next()), (Some(c), Some(':')) if c.is_ascii_alphabetic());
    if path.starts_with('/') || path.starts_with('\\') || path.starts_with('~') || drive {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        return Err(Fault::error("durbin::io::absolute_path", format!("`{path}` is an absolute path")).help(format!(
            "write a path relative to the program's folder, such as `\"{name}\"`; `--allow-read DIR` opens other folders"
        )));
    }
    if path.contains('\\') {
        let message =
            format!("`{path}` has backslashes: paths have forward slashes, so that a program runs everywhere");
        return Err(
            Fault::error("durbin::io::backslash", message).help(format!("write `\"{}\"`", path.replace('\\', "/")))
        );
    }
    Ok(())
}
