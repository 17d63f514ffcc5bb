//! The seam between the log and what keeps its bytes.
//!
//! Everything that the log asks of the world goes through these methods,
//! so that a faulty implementation can fail each of them. Offsets are explicit:
//! no cursor is shared, so readers never disturb the writer.

use std::io;

/// A flat set of files, held by one log at a time.
pub trait Storage: Send + Sync + 'static {
    /// An open file.
    type File: StorageFile;

    /// Names of all files, in any order.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Opens a file that exists.
    ///
    /// # Errors
    /// What the system says.
    fn open(&self, name: &str) -> io::Result<Self::File>;

    /// Creates an empty file. Its name is durable only after
    /// [`Storage::sync_directory`].
    ///
    /// # Errors
    /// When it exists already, or what the system says.
    fn create(&self, name: &str) -> io::Result<Self::File>;

    /// Removes a file. Durable only after [`Storage::sync_directory`].
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes creations and removals durable.
    ///
    /// # Errors
    /// What the system says; the names may or may not be durable then.
    fn sync_directory(&self) -> io::Result<()>;
}

/// One file of a [`Storage`].
pub trait StorageFile: Send + Sync + 'static {
    /// Length in bytes.
    ///
    /// # Errors
    /// What the system says.
    fn length(&self) -> io::Result<u64>;

    /// Reads up to `buffer.len()` bytes from `offset`; 0 at the end.
    ///
    /// # Errors
    /// What the system says.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`. Durable only after
    /// [`StorageFile::sync`].
    ///
    /// # Errors
    /// What the system says; any part of the bytes may have been written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes the file's bytes and length durable.
    ///
    /// # Errors
    /// What the system says. The bytes may then be lost although they can
    /// still be read, and asking again proves nothing.
    fn sync(&self) -> io::Result<()>;

    /// Cuts the file to `length` bytes. Durable only after
    /// [`StorageFile::sync`].
    ///
    /// # Errors
    /// What the system says.
    fn truncate(&self, length: u64) -> io::Result<()>;
}
