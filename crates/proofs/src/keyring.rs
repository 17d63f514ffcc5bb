//! The keys of one log, in a directory.
//!
//! | file | content |
//! |---|---|
//! | `signing.key` | the private key that new checkpoints are signed with; for its owner only |
//! | `verifiers` | the verifier keys of all times, one to a line, the newest last |
//! | `rotations/<key id>.note` | the statement by which that key was made to follow the one before |
//! | `signing.key.next` | there while a key is being changed |
//! | `LOCK` | empty; locked while a file here is read or changed |
//!
//! The private key may lie elsewhere ([`KeyFiles::with_signing_key`]), so that a holder of the
//! directory cannot sign; then it has its own name there, and `.next` behind it while it is changed.
//!
//! A change of keys counts from the moment that `verifiers` names the new key. The private key
//! is in `signing.key.next` by then, so what a crash interrupted is finished, or forgotten, when
//! the directory is opened next. The private key that was replaced is not kept.
//!
//! The permissions are all that guards the private key: it is not encrypted.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::files::{self, FileError, failed};
use crate::key::{KeyName, ParseKeyError, SigningKey, VerifierKey};
use crate::note::Note;
use crate::rotation::{Rotation, RotationError};

const SIGNING: &str = "signing.key";
/// Behind the name of the private key, while it is changed.
const NEXT: &str = ".next";
const VERIFIERS: &str = "verifiers";
const ROTATIONS: &str = "rotations";
const LOCK: &str = "LOCK";

/// Where the keys of a log are. From a directory: all of them in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFiles {
    directory: PathBuf,
    signing: PathBuf,
}

impl KeyFiles {
    /// The verifier keys and the statements about them in a directory, and the private key in this
    /// file. The directory of the file has to be there: it is never made, since it may be a disk that
    /// is not mounted.
    #[must_use]
    pub fn with_signing_key(directory: impl Into<PathBuf>, signing: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            signing: signing.into(),
        }
    }

    /// The file with the private key.
    #[must_use]
    pub fn signing_key(&self) -> &Path {
        &self.signing
    }

    fn next(&self) -> PathBuf {
        let mut next = self.signing.as_os_str().to_owned();
        next.push(NEXT);
        next.into()
    }

    fn verifiers(&self) -> PathBuf {
        self.directory.join(VERIFIERS)
    }
}

impl<P: Into<PathBuf>> From<P> for KeyFiles {
    fn from(directory: P) -> Self {
        let directory = directory.into();
        let signing = directory.join(SIGNING);
        Self { directory, signing }
    }
}

/// The newest private key of a log, and all its verifier keys.
#[derive(Debug)]
pub struct Keyring {
    files: KeyFiles,
    signing: SigningKey,
    verifiers: Vec<VerifierKey>,
}

/// Why the keys cannot be used. No message repeats a private key.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// There are no keys yet.
    #[error("there are no keys in {}", directory.display())]
    Missing {
        /// The directory.
        directory: PathBuf,
    },
    /// There are verifier keys, and the private key that belongs to them is not where it should be.
    #[error("the private key of {} is not in {}", directory.display(), path.display())]
    NoPrivateKey {
        /// The directory with the verifier keys.
        directory: PathBuf,
        /// Where the private key should be.
        path: PathBuf,
    },
    /// There are keys already, which a new key would have to be signed by.
    #[error("there are keys in {} already: change the key instead", directory.display())]
    Exists {
        /// The directory.
        directory: PathBuf,
    },
    /// Others than the owner can read the private key.
    #[error(
        "{} can be read by others (its mode is {mode:03o}): make it 600, and change the key if it may have been read",
        path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A line is no key.
    #[error("line {line} of {} is no key: {source}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        source: ParseKeyError,
    },
    /// The private key is not the one that the newest verifier key belongs to.
    #[error("{} does not end with the verifier key of the private key beside it", path.display())]
    NotNewest {
        /// The file with the verifier keys.
        path: PathBuf,
    },
    /// Another process has changed the key since these were read.
    #[error("the keys in {} were changed meanwhile: open them again", directory.display())]
    Stale {
        /// The directory.
        directory: PathBuf,
    },
    /// The new key could not be vouched for.
    #[error(transparent)]
    Rotation(#[from] RotationError),
    /// A statement does not make its key follow the one before it.
    #[error("{} does not vouch for its key: {source}", path.display())]
    Statement {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: RotationError,
    },
    /// A statement is about another key than its name says.
    #[error("{} vouches for {found}", path.display())]
    OtherKey {
        /// The file.
        path: PathBuf,
        /// The key that it is about.
        found: VerifierKey,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Keyring {
    /// Makes the first key of a log and its directory, for the owner only. `seed` must come from
    /// a source of randomness.
    ///
    /// # Errors
    /// [`KeyringError::Exists`] when there are keys.
    pub fn create(
        files: impl Into<KeyFiles>,
        name: KeyName,
        seed: &[u8; 32],
    ) -> Result<Self, KeyringError> {
        let files = files.into();
        files::create_directory(&files.directory, 0o700)?;
        let _lock = lock(&files.directory)?;
        finish(&files)?;
        if files.signing.exists() || files.verifiers().exists() {
            let directory = files.directory;
            return Err(KeyringError::Exists { directory });
        }
        let signing = SigningKey::from_seed(name, seed);
        let verifiers = vec![signing.verifier().clone()];
        let ring = Self {
            files,
            signing,
            verifiers,
        };
        ring.store()?;
        Ok(ring)
    }

    /// Opens the keys of a log.
    ///
    /// # Errors
    /// [`KeyringError`]
    pub fn open(files: impl Into<KeyFiles>) -> Result<Self, KeyringError> {
        let files = files.into();
        if !files.directory.is_dir() {
            let directory = files.directory;
            return Err(KeyringError::Missing { directory });
        }
        let _lock = lock(&files.directory)?;
        finish(&files)?;
        let signing = private(&files)?;
        let path = files.verifiers();
        let verifiers = read_verifiers(&path)?;
        if verifiers.last() != Some(signing.verifier()) {
            return Err(KeyringError::NotNewest { path });
        }
        Ok(Self {
            files,
            signing,
            verifiers,
        })
    }

    /// Whether the keys and the statements about them are what they were. It changes nothing, not
    /// even what a crash interrupted.
    ///
    /// # Errors
    /// [`KeyringError`]
    pub fn check(files: impl Into<KeyFiles>) -> Result<(), KeyringError> {
        let files = files.into();
        let signing = private(&files)?;
        let path = files.verifiers();
        let verifiers = read_verifiers(&path)?;
        let is_newest = verifiers.last() == Some(signing.verifier());
        // While a key is being changed, the newest may be in the file beside.
        if !is_newest && !files.next().exists() {
            return Err(KeyringError::NotNewest { path });
        }
        statements(&files.directory, &verifiers).map(drop)
    }

    /// Replaces the private key, and keeps the old verifier key. Returns the statement that
    /// auditors need to trust the new key. `seed` must come from a source of randomness.
    ///
    /// # Errors
    /// The key is the old one still, or the new one when only the last step failed; opening the
    /// directory again tells.
    pub fn rotate(&mut self, seed: &[u8; 32]) -> Result<Note, KeyringError> {
        let directory = &self.files.directory;
        let _lock = lock(directory)?;
        finish(&self.files)?;
        if read_verifiers(&self.files.verifiers())? != self.verifiers {
            let directory = directory.clone();
            return Err(KeyringError::Stale { directory });
        }
        let signing = SigningKey::from_seed(self.name().clone(), seed);
        let statement = Rotation::sign(&self.signing, &signing)?;
        let rotations = directory.join(ROTATIONS);
        files::create_directory(&rotations, 0o700)?;
        let file = rotations.join(format!("{}.note", signing.verifier().id()));
        files::replace(&file, files::PUBLIC, statement.to_string().as_bytes())?;
        let mut verifiers = self.verifiers.clone();
        verifiers.push(signing.verifier().clone());
        let ring = Self {
            files: self.files.clone(),
            signing,
            verifiers,
        };
        ring.store()?;
        *self = ring;
        Ok(statement)
    }

    /// What the log and all its keys are called.
    #[must_use]
    pub fn name(&self) -> &KeyName {
        self.signing.verifier().name()
    }

    /// The key for new checkpoints.
    #[must_use]
    pub fn signing_key(&self) -> &SigningKey {
        &self.signing
    }

    /// The verifier keys of all times, the newest last.
    #[must_use]
    pub fn verifiers(&self) -> &[VerifierKey] {
        &self.verifiers
    }

    /// The statements about the keys after the first, in their order, as bytes: each vouches for
    /// its key.
    ///
    /// # Errors
    /// When a file cannot be read, or is not the statement that it was.
    pub fn rotations(&self) -> Result<Vec<Vec<u8>>, KeyringError> {
        statements(&self.files.directory, &self.verifiers)
    }

    /// The private key first under the name that says that it does not count yet, then the
    /// verifier keys, with which it does.
    fn store(&self) -> Result<(), KeyringError> {
        let next = self.files.next();
        files::remove(&next)?;
        let secret = format!("{}\n", self.signing.secret_text());
        files::create(&next, files::PRIVATE, secret.as_bytes())?;
        let lines = self.verifiers.iter().map(|key| format!("{key}\n"));
        let verifiers = lines.collect::<String>();
        files::replace(&self.files.verifiers(), files::PUBLIC, verifiers.as_bytes())?;
        Ok(files::rename(&next, &self.files.signing)?)
    }
}

/// The private key. Without one, the verifier keys tell whether there should be one.
fn private(files: &KeyFiles) -> Result<SigningKey, KeyringError> {
    let directory = files.directory.clone();
    match read_private(&files.signing)? {
        Some(signing) => Ok(signing),
        None if files.verifiers().exists() => Err(KeyringError::NoPrivateKey {
            directory,
            path: files.signing.clone(),
        }),
        None => Err(KeyringError::Missing { directory }),
    }
}

fn statements(directory: &Path, verifiers: &[VerifierKey]) -> Result<Vec<Vec<u8>>, KeyringError> {
    let mut notes = Vec::new();
    for (old, new) in verifiers.iter().zip(verifiers.iter().skip(1)) {
        let path = directory.join(ROTATIONS).join(format!("{}.note", new.id()));
        let Some(note) = files::read(&path)? else {
            continue;
        };
        match Rotation::open(&note, std::slice::from_ref(old)) {
            Ok(stated) if stated.new == *new => notes.push(note),
            Ok(stated) => {
                let found = stated.new;
                return Err(KeyringError::OtherKey { path, found });
            }
            Err(source) => return Err(KeyringError::Statement { path, source }),
        }
    }
    Ok(notes)
}

/// Ends what a crash interrupted: see the head of this module.
fn finish(files: &KeyFiles) -> Result<(), KeyringError> {
    let (next, verifiers) = (files.next(), files.verifiers());
    // A file that is no key was not written to its end, so nothing was said about it yet.
    let key = match read_private(&next) {
        Ok(None) => return Ok(()),
        Ok(Some(key)) => Some(key),
        Err(KeyringError::Key { .. }) => None,
        Err(error) => return Err(error),
    };
    let counts = match key {
        Some(key) if verifiers.exists() => {
            read_verifiers(&verifiers)?.last() == Some(key.verifier())
        }
        _ => false,
    };
    match counts {
        true => files::rename(&next, &files.signing)?,
        false => files::remove(&next)?,
    }
    Ok(())
}

/// Waits for another reader or writer of the keys: each holds the lock for a moment only.
fn lock(directory: &Path) -> Result<File, KeyringError> {
    let path = directory.join(LOCK);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let file = options.open(&path).map_err(failed("open", &path))?;
    file.lock().map_err(failed("lock", &path))?;
    Ok(file)
}

fn read_private(path: &Path) -> Result<Option<SigningKey>, KeyringError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("open", path)(error).into()),
    };
    // Of the open file, so that it cannot be replaced in between.
    let metadata = file.metadata().map_err(failed("look at", path))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyringError::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    let mut text = String::new();
    file.read_to_string(&mut text)
        .map_err(failed("read", path))?;
    let key = SigningKey::from_secret_text(text.trim_end());
    key.map(Some).map_err(|source| KeyringError::Key {
        path: path.to_owned(),
        line: 1,
        source,
    })
}

fn read_verifiers(path: &Path) -> Result<Vec<VerifierKey>, KeyringError> {
    let text = std::fs::read_to_string(path).map_err(failed("read", path))?;
    VerifierKey::parse_lines(&text).map_err(|(line, source)| KeyringError::Key {
        path: path.to_owned(),
        line,
        source,
    })
}
