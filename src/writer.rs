//! The one door through which files leave: below one folder, never over an input, all of a run's files or none.

use crate::fault::{Fault, ticked_all};
use crate::loader::{normalized, refuse_foreign};
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Takes the files a run saves.
pub trait Writer: Send + Sync {
    /// Writes all files (path as the program writes it, content) or none; `inputs` are the files the program read. The
    /// position of the offending file comes with the fault, `durbin::io::…`.
    fn write(&self, files: &[(&str, &[u8])], inputs: &[&str]) -> Result<(), (usize, Fault)>;
}

impl<T: Writer + ?Sized> Writer for &T {
    fn write(&self, files: &[(&str, &[u8])], inputs: &[&str]) -> Result<(), (usize, Fault)> {
        (**self).write(files, inputs)
    }
}

/// Writes below a folder on disk.
#[derive(Clone, Debug)]
pub struct DiskWriter {
    root: PathBuf,
    /// The program's folder, which the paths of inputs are relative to, and the program.
    home: PathBuf,
    program: PathBuf,
}

/// A file that waits under a name of its own until all are complete.
struct Waiting {
    temporary: PathBuf,
    target: PathBuf,
}

impl DiskWriter {
    /// `root`: the folder of results, made when first needed; `home`: the program's folder; `program`: the program.
    pub fn new(root: &Path, home: &Path, program: &Path) -> DiskWriter {
        DiskWriter { root: root.to_path_buf(), home: home.to_path_buf(), program: program.to_path_buf() }
    }

    /// Files that may not be written over, links resolved.
    fn protected(&self, inputs: &[&str]) -> Vec<PathBuf> {
        let read = inputs.iter().map(|i| self.home.join(i));
        read.chain([self.program.clone()]).filter_map(|p| fs::canonicalize(p).ok()).collect()
    }

    /// Where a path of the program leads; its folder is made.
    fn target(&self, path: &str, protected: &[PathBuf]) -> Result<PathBuf, Fault> {
        refuse_foreign(path)?;
        let failed = |e: &std::io::Error| write_failed(path, &e.to_string());
        fs::create_dir_all(&self.root).map_err(|e| failed(&e))?;
        let root = fs::canonicalize(&self.root).map_err(|e| failed(&e))?;
        let full = normalized(&root.join(path));
        let (Some(folder), Some(name)) = (full.parent(), full.file_name()) else { return Err(outside_out(path)) };
        if !folder.starts_with(&root) {
            return Err(outside_out(path));
        }
        // A link on the way may lead out: look at the part that exists before anything is made.
        let existing = folder.ancestors().find(|a| a.exists()).unwrap_or(&root);
        if !fs::canonicalize(existing).map_err(|e| failed(&e))?.starts_with(&root) {
            return Err(outside_out(path));
        }
        fs::create_dir_all(folder).map_err(|e| failed(&e))?;
        let target = fs::canonicalize(folder).map_err(|e| failed(&e))?.join(name);
        if target.is_dir() {
            return Err(write_failed(path, "a folder has this name"));
        }
        if let Ok(there) = fs::canonicalize(&target)
            && protected.contains(&there)
        {
            return Err(Fault::error(
                "durbin::io::overwrites_input",
                format!("`{path}` is a file the program reads and would be overwritten"),
            )
            .help("save to another name"));
        }
        Ok(target)
    }

    fn put_aside(&self, path: &str, content: &[u8], protected: &[PathBuf]) -> Result<Waiting, Fault> {
        let target = self.target(path, protected)?;
        let name = target.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let temporary = target.with_file_name(format!(".{name}.part"));
        fresh(&temporary, content).map_err(|e| {
            let _ = fs::remove_file(&temporary);
            write_failed(path, &e.to_string())
        })?;
        Ok(Waiting { temporary, target })
    }
}

impl Writer for DiskWriter {
    fn write(&self, files: &[(&str, &[u8])], inputs: &[&str]) -> Result<(), (usize, Fault)> {
        let protected = self.protected(inputs);
        let mut waiting: Vec<Waiting> = Vec::new();
        for (number, (path, content)) in files.iter().enumerate() {
            match self.put_aside(path, content, &protected) {
                Ok(w) => waiting.push(w),
                Err(fault) => {
                    waiting.iter().for_each(|w| drop(fs::remove_file(&w.temporary)));
                    return Err((number, fault));
                }
            }
        }
        for (number, w) in waiting.iter().enumerate() {
            if let Err(e) = fs::rename(&w.temporary, &w.target) {
                waiting[number..].iter().for_each(|w| drop(fs::remove_file(&w.temporary)));
                let written: Vec<&str> = files[..number].iter().map(|f| f.0).collect();
                let mut fault = write_failed(files[number].0, &e.to_string());
                if !written.is_empty() {
                    fault = fault.help(format!("written before it: {}", ticked_all(&written)));
                }
                return Err((number, fault));
            }
        }
        Ok(())
    }
}

/// Writes a file that was not there: what has its name goes first, or a link of that name would be followed.
fn fresh(path: &Path, content: &[u8]) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    fs::File::create_new(path)?.write_all(content)
}

fn write_failed(path: &str, reason: &str) -> Fault {
    Fault::error("durbin::io::write_failed", format!("`{path}` cannot be written: {reason}"))
}

fn outside_out(path: &str) -> Fault {
    Fault::error("durbin::io::outside_out", format!("`{path}` lies outside the folder for results"))
        .help("save below the program's folder, or name another folder with `--out DIR`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("durbin-writer-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        path
    }

    #[test]
    fn files_are_written_below_the_root_only() {
        let home = folder("below");
        let writer = DiskWriter::new(&home.join("out"), &home, &home.join("p.durbin"));
        assert!(writer.write(&[("a/t.txt", b"one"), ("b.csv", b"two")], &[]).is_ok());
        assert_eq!(fs::read_to_string(home.join("out/a/t.txt")).unwrap(), "one");
        let (number, fault) = writer.write(&[("c.txt", b"x"), ("../d.txt", b"y")], &[]).unwrap_err();
        assert_eq!((number, fault.code), (1, "durbin::io::outside_out"));
        assert!(!home.join("out/c.txt").exists(), "all or none");
        fs::remove_dir_all(home).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed_out_of_the_folder() {
        use std::os::unix::fs::symlink;
        let (home, out) = (folder("links"), folder("links-out"));
        fs::write(out.join("kept.txt"), "kept").unwrap();
        for name in [".a.txt.part", "a.txt"] {
            symlink(out.join("kept.txt"), home.join(name)).unwrap();
        }
        symlink(&out, home.join("sub")).unwrap();
        let writer = DiskWriter::new(&home, &home, &home.join("p.durbin"));
        writer.write(&[("a.txt", b"new")], &[]).unwrap();
        assert_eq!(fs::read_to_string(home.join("a.txt")).unwrap(), "new");
        assert_eq!(writer.write(&[("sub/b.txt", b"x")], &[]).unwrap_err().1.code, "durbin::io::outside_out");
        assert_eq!(fs::read_to_string(out.join("kept.txt")).unwrap(), "kept", "neither link was written through");
        assert!(!out.join("b.txt").exists());
        [home, out].iter().for_each(|f| fs::remove_dir_all(f).unwrap());
    }

    #[test]
    fn inputs_are_not_overwritten() {
        let home = folder("inputs");
        let input = home.join("panel.csv");
        fs::write(&input, "a").unwrap();
        let writer = DiskWriter::new(&home, &home, &home.join("p.durbin"));
        let fault = writer.write(&[("./panel.csv", b"b")], &["panel.csv"]).unwrap_err().1;
        assert_eq!(fault.code, "durbin::io::overwrites_input");
        assert_eq!(fs::read_to_string(&input).unwrap(), "a");
        fs::remove_dir_all(home).unwrap();
    }
}
