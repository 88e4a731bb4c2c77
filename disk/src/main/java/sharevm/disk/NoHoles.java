package sharevm.disk;

/** A file that is taken to be data from its start to its end. */
enum NoHoles implements SparseFiles.SparseFile {
  /** The only one; it has no state. */
  INSTANCE;

  @Override
  public long nextData(long position) {
    return position;
  }

  @Override
  public long nextHole(long position) {
    return Long.MAX_VALUE;
  }

  @Override
  public boolean punch(long position, long length) {
    return false;
  }

  @Override
  public void close() {
    // Nothing is open.
  }
}
