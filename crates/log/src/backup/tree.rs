//! The seam between backups and the file system: files in a few directories,
//! named by relative paths.
//!
//! It is apart from [`crate::Storage`] because a log needs no rename and no
//! directories, and its backends should not have to promise them.

use std::io;

use crate::storage::StorageFile;

/// Files by relative path, parts separated by `/`. The empty path is the root.
/// Clones show the same files.
pub trait Tree: Clone + Send + Sync + 'static {
    /// An open file.
    type File: StorageFile;
    /// Keeps others away for as long as it lives.
    type Lock;

    /// Names of everything in a directory, in any order.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self, directory: &str) -> io::Result<Vec<String>>;

    /// Opens a file for reading.
    ///
    /// # Errors
    /// What the system says.
    fn open(&self, path: &str) -> io::Result<Self::File>;

    /// Creates an empty file, or empties the one that is there. Its name is
    /// durable only after [`Tree::sync_directory`].
    ///
    /// # Errors
    /// What the system says.
    fn create(&self, path: &str) -> io::Result<Self::File>;

    /// Gives a file another name in the same directory, in place of what has
    /// that name: at every moment one of the two is there. Durable only after
    /// [`Tree::sync_directory`].
    ///
    /// # Errors
    /// What the system says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file. Durable only after [`Tree::sync_directory`].
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, path: &str) -> io::Result<()>;

    /// Creates a directory. Durable only after [`Tree::sync_directory`] of the
    /// one above.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] when it is there, or what the system
    /// says.
    fn make_directory(&self, path: &str) -> io::Result<()>;

    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// What the system says; the names may or may not be durable then.
    fn sync_directory(&self, path: &str) -> io::Result<()>;

    /// Locks a file, creating it if it is missing.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when another process holds it, or what the
    /// system says.
    fn lock(&self, path: &str) -> io::Result<Self::Lock>;
}
