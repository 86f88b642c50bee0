//! Reading and writing files.

use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::options::DataArgs;
use super::output::{Failure, refuse};
use crate::data::{DataFile, ReadSeek, Shelf, Stamp};
use crate::fit::Data;
use crate::source::SourceFile;
use crate::syntax;

/// The bytes of a file; `-` is standard input.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    if path == Path::new("-") {
        let mut bytes = vec![];
        return match std::io::stdin().lock().read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(e) => Err(Failure::Usage(format!("cannot read standard input: {e}"))),
        };
    }
    std::fs::read(path).map_err(|e| unreadable(path, &e))
}

/// A model file; E0105 where it is not UTF-8.
pub(super) fn model(path: &Path) -> Result<SourceFile, Failure> {
    let bytes = read(path)?;
    let (source, errors) = syntax::decode(&path.display().to_string(), &bytes);
    if errors.is_empty() {
        Ok(source)
    } else {
        Err(refuse(&errors, &source))
    }
}

/// A data file under its name: an ordinary file is opened, to be read piece by piece; what can be read only once (a pipe,
/// standard input) is read now.
pub(super) fn data_file(path: &Path) -> Result<DataFile, Failure> {
    let name = path.display().to_string();
    let about = std::fs::metadata(path).ok().filter(|m| m.is_file());
    if let (Some(about), true) = (about, path != Path::new("-")) {
        let file = std::fs::File::open(path).map_err(|e| unreadable(path, &e))?;
        let since = |t: std::time::SystemTime| t.duration_since(std::time::UNIX_EPOCH).ok();
        let modified = about.modified().ok().and_then(since);
        let stamp = modified.map(|modified| Stamp {
            size: about.len(),
            modified: modified.as_nanos() as u64,
        });
        return Ok(DataFile::opened(name, file, stamp));
    }
    Ok(DataFile::held(name, read(path)?))
}

/// All bytes of a data file.
pub(super) fn bytes(file: &DataFile) -> Result<Cow<'_, [u8]>, Failure> {
    file.bytes()
        .map_err(|e| unreadable(Path::new(&file.name), &e))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Usage(format!("cannot read `{}`: {error}", path.display()))
}

/// All data files.
pub(super) fn data(main: Option<&PathBuf>, blocks: &DataArgs) -> Result<Data, Failure> {
    let mut data = Data {
        main: main.map(|p| data_file(p)).transpose()?,
        blocks: vec![],
    };
    for (name, path) in &blocks.blocks {
        if data.blocks.iter().any(|(n, _)| n == name) {
            return Err(Failure::Usage(format!("--data {name}=... is given twice")));
        }
        data.blocks.push((name.clone(), data_file(path)?));
    }
    Ok(data)
}

/// Fails early where a file could not be written in the end.
pub(super) fn check_writable(path: &Path) -> Result<(), Failure> {
    let folder = folder(path);
    if path.is_dir() {
        return Err(Failure::Usage(format!("`{}` is a folder", path.display())));
    }
    if !folder.is_dir() {
        return Err(Failure::Usage(format!(
            "cannot write `{}`: there is no folder `{}`",
            path.display(),
            folder.display()
        )));
    }
    Ok(())
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    }
}

/// A folder of column files.
pub(super) struct Folder(PathBuf);

/// A folder that is removed when the run ends.
pub(super) fn passing_folder() -> Result<tempfile::TempDir, Failure> {
    tempfile::Builder::new()
        .prefix("pmc-")
        .tempdir()
        .map_err(|e| Failure::Usage(format!("cannot make a folder for column files: {e}")))
}

/// Makes the folder where it is not there yet.
pub(super) fn folder_for(path: &Path) -> Result<Folder, Failure> {
    match std::fs::create_dir_all(path) {
        Ok(()) => Ok(Folder(path.to_path_buf())),
        Err(e) => Err(Failure::Usage(format!(
            "cannot make the folder `{}`: {e}",
            path.display()
        ))),
    }
}

impl Shelf for Folder {
    fn find(&self, name: &str) -> io::Result<Box<dyn ReadSeek>> {
        Ok(Box::new(std::fs::File::open(self.0.join(name))?))
    }

    fn put(
        &self,
        name: &str,
        fill: &mut dyn FnMut(&mut (dyn Write + Send)) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(".pmc-")
            .tempfile_in(&self.0)?;
        fill(file.as_file_mut())?;
        file.persist(self.0.join(name)).map_err(|e| e.error)?;
        Ok(())
    }
}

/// Writes a file whole or not at all: to a new file beside it that then takes its name. What is no ordinary file (a
/// pipe, a device) is written as it stands.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed =
        |e: std::io::Error| Failure::Usage(format!("cannot write `{}`: {e}", path.display()));
    if std::fs::metadata(path).is_ok_and(|m| !m.is_file()) {
        return std::fs::write(path, bytes).map_err(failed);
    }
    // A link keeps pointing to the file that is replaced.
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let mut builder = tempfile::Builder::new();
    builder.prefix(".pmc-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&target).map_or(0o666, |m| m.permissions().mode() & 0o777);
        builder.permissions(std::fs::Permissions::from_mode(mode));
    }
    let mut file = builder.tempfile_in(folder(&target)).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.persist(&target).map_err(|e| failed(e.error))?;
    Ok(())
}
