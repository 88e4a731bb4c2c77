package sharevm.disk.layer;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import sharevm.disk.DiskException;
import sharevm.disk.DiskException.Kind;
import sharevm.disk.io.Bytes;

/**
 * A layer that finds its bytes through tables. A format says where a block is ({@link #lookup}) and
 * how to store one that cannot be overwritten in its place ({@link #store}); reading, merging of
 * neighbours and locking are here: who only follows the tables shares a lock, who changes them has
 * it alone.
 */
public abstract class MappedLayer implements Layer, BulkTarget {
  private final ReadWriteLock lock = new ReentrantReadWriteLock();
  private final String name;
  private final boolean writable;
  private volatile boolean touched;

  /** The layer named so in errors. */
  protected MappedLayer(String name, boolean writable) {
    this.name = name;
    this.writable = writable;
  }

  /**
   * Where the bytes of a position are, up to the block's end at least.
   *
   * @param most so many bytes are of interest: the run may go on over neighbouring blocks that the
   *     format finds at once, and may be longer than that
   */
  protected abstract Run lookup(long position, long most) throws DiskException;

  /** Reads from a {@link Run.Kind#PACKED} run that starts at {@code position}. */
  protected void unpack(ByteBuffer dst, long position, Run run) throws DiskException {
    throw DiskException.unsupported(name, "compressed blocks");
  }

  /** Stores {@code src} where {@link #lookup} gives nothing writable; called alone. */
  protected abstract void store(ByteBuffer src, long position, Below below) throws DiskException;

  /**
   * Makes whole blocks read as zeroes without storing them, if the format can; called alone. The
   * range may start and end within a block.
   *
   * @return how many bytes from the position on now read as zeroes; 0 when they must be written
   */
  protected abstract long clear(long position, long length, Below below) throws DiskException;

  /** Called alone, once, before the first change of what the disk reads as. */
  protected void beforeFirstWrite() throws DiskException {}

  /** Puts everything on stable storage, data before what points at it; called alone. */
  protected abstract void commit() throws DiskException;

  /** Closes the files; called alone, after a commit when writable. */
  protected abstract void release() throws DiskException;

  /** Refuses to change the disk's size. */
  protected final DiskException notResized(String why) {
    return new DiskException(
        Kind.UNSUPPORTED,
        name,
        DiskException.NO_OFFSET,
        why,
        "convert it to raw, resize that, and convert it back");
  }

  /** Refuses to make the disk smaller. */
  protected final DiskException notSmaller() {
    return notResized(
        "it cannot be made smaller: blocks beyond its new end lie anywhere in the file");
  }

  /** The lock of those who change tables. */
  protected final Lock alone() {
    return lock.writeLock();
  }

  /** The lock of those who read tables. */
  protected final Lock shared() {
    return lock.readLock();
  }

  /** The name that errors give. */
  protected final String name() {
    return name;
  }

  /** True when it may be changed. */
  protected final boolean writable() {
    return writable;
  }

  @Override
  public final Run map(long position, long most) throws DiskException {
    lock.readLock().lock();
    try {
      return merged(position, most);
    } finally {
      lock.readLock().unlock();
    }
  }

  private Run merged(long position, long most) throws DiskException {
    Run run = lookup(position, most);
    long length = run.length();
    while (length < most && run.kind() != Run.Kind.PACKED) {
      Run next = lookup(position + length, most - length);
      Run sum = new Run(run.kind(), length, run.file(), run.offset(), run.writable());
      if (!sum.continues(next)) {
        break;
      }
      length += next.length();
    }
    length = Math.min(length, most);
    return new Run(run.kind(), length, run.file(), run.offset(), run.writable());
  }

  @Override
  public final long read(ByteBuffer dst, long position) throws DiskException {
    lock.readLock().lock();
    try {
      Run run = merged(position, dst.remaining());
      int length = (int) run.length();
      switch (run.kind()) {
        case ABSENT -> {
          return -length;
        }
        case ZERO -> Bytes.zero(dst, length);
        case DATA -> run.file().readPadded(Bytes.take(dst, length), run.offset());
        case PACKED -> unpack(Bytes.take(dst, length), position, run);
      }
      return length;
    } finally {
      lock.readLock().unlock();
    }
  }

  @Override
  public final void write(ByteBuffer src, long position, Below below) throws DiskException {
    touch();
    long at = position;
    while (src.hasRemaining()) {
      int before = src.remaining();
      if (!overwrite(src, at)) {
        lock.writeLock().lock();
        try {
          store(src, at, below);
        } finally {
          lock.writeLock().unlock();
        }
      }
      at += before - src.remaining();
    }
  }

  @Override
  public final List<Run> reserve(long position, long length) throws DiskException {
    touch();
    lock.writeLock().lock();
    try {
      if (parent().isPresent()) {
        throw DiskException.unsupported(name, "reserving blocks in a layer on top of another");
      }
      long end = position + length;
      for (long at = position; at < end; ) {
        Run run = merged(at, end - at);
        at += isWritableData(run) ? run.length() : roomOrZeroes(at, run.length());
      }
      List<Run> runs = new ArrayList<>();
      for (long at = position; at < end; at += runs.getLast().length()) {
        runs.add(merged(at, end - at));
      }
      return runs;
    } finally {
      lock.writeLock().unlock();
    }
  }

  private static boolean isWritableData(Run run) {
    return run.kind() == Run.Kind.DATA && run.writable();
  }

  private long roomOrZeroes(long position, long length) throws DiskException {
    long made = makeRoom(position, length);
    if (made > 0) {
      return made;
    }
    ByteBuffer zeroes = Bytes.zeroes(length);
    int most = zeroes.remaining();
    store(zeroes, position, Below.nothing());
    return most - zeroes.remaining();
  }

  /**
   * Stores whole blocks that read as zeroes, where {@link #lookup} gives nothing writable and there
   * is no parent; called alone.
   *
   * @return how many bytes from the position on are stored now; 0 when they must be written
   */
  protected long makeRoom(long position, long length) throws DiskException {
    return 0;
  }

  private boolean overwrite(ByteBuffer src, long position) throws DiskException {
    lock.readLock().lock();
    try {
      Run run = merged(position, src.remaining());
      if (!isWritableData(run)) {
        return false;
      }
      run.file().write(Bytes.take(src, (int) run.length()), run.offset());
      return true;
    } finally {
      lock.readLock().unlock();
    }
  }

  @Override
  public final void writeZeroes(long position, long length, Below below) throws DiskException {
    touch();
    long at = position;
    long end = position + length;
    while (at < end) {
      long done;
      lock.writeLock().lock();
      try {
        Run run = lookup(at, end - at);
        boolean zero =
            run.kind() == Run.Kind.ZERO || run.kind() == Run.Kind.ABSENT && parent().isEmpty();
        done = zero ? Math.min(run.length(), end - at) : clear(at, end - at, below);
      } finally {
        lock.writeLock().unlock();
      }
      if (done == 0) {
        long block = Math.max(blockSize(), 512);
        done = Math.min(end - at, block - at % block);
        for (long part = 0; part < done; ) {
          ByteBuffer zeroes = Bytes.zeroes(done - part);
          part += zeroes.remaining();
          write(zeroes, at + part - zeroes.remaining(), below);
        }
      }
      at += done;
    }
  }

  /**
   * Frees blocks where the format has a word for it. Where it has none, and of parts of blocks, the
   * host frees what is stored: the block stays where it is, and is a hole there.
   */
  @Override
  public final void discard(long position, long length, Below below) throws DiskException {
    touch();
    long end = position + length;
    for (long at = position; at < end; ) {
      lock.writeLock().lock();
      try {
        long cleared = clearWhole(at, end, below);
        at += cleared > 0 ? cleared : punch(at, end);
      } finally {
        lock.writeLock().unlock();
      }
    }
  }

  /** Clears blocks of which all is in a range; returns how many bytes. */
  private long clearWhole(long position, long end, Below below) throws DiskException {
    long block = Math.max(blockSize(), 512);
    long last = end >= size() ? size() : Bytes.roundDown(end, block);
    return position % block == 0 && position < last ? clear(position, last - position, below) : 0;
  }

  /** Makes what is stored in the position's block a hole; returns how far it went. */
  private long punch(long position, long end) throws DiskException {
    long block = blockSize();
    long blockEnd = block <= 512 ? end : Bytes.roundDown(position, block) + block;
    Run run = merged(position, Math.min(end, blockEnd) - position);
    if (isWritableData(run)) {
      run.file().punch(run.offset(), run.length());
    }
    return run.length();
  }

  /**
   * {@code src} with what the disk shows before and behind it, so that whole units can be stored.
   *
   * @param unit of which {@code position} need not be a multiple
   * @return a buffer that starts at the last multiple of the unit up to {@code position}
   */
  protected final ByteBuffer whole(ByteBuffer src, long position, int unit, Below below)
      throws DiskException {
    long from = position - position % unit;
    return whole(src, position, from, Bytes.roundUp(position + src.remaining(), unit), below);
  }

  /** The same for a unit that starts at {@code from} and ends at {@code to}. */
  protected final ByteBuffer whole(ByteBuffer src, long position, long from, long to, Below below)
      throws DiskException {
    int length = (int) (to - from);
    if (length == src.remaining()) {
      return Bytes.take(src, length);
    }
    ByteBuffer block = ByteBuffer.allocate(length);
    readThrough(block, from, (int) (position - from), below);
    block.put(src);
    readThrough(block, from + block.position(), block.remaining(), below);
    return block.flip();
  }

  /** Fills part of a block with what the disk shows now; zeroes beyond the disk's end. */
  private void readThrough(ByteBuffer block, long position, int length, Below below)
      throws DiskException {
    int limit = block.limit();
    int end = block.position() + length;
    long at = position;
    while (block.position() < end) {
      if (at >= size()) {
        block.limit(end);
        Bytes.zero(block, end - block.position());
        break;
      }
      block.limit((int) Math.min(end, block.position() + size() - at));
      long done = read(block, at);
      if (done < 0) {
        block.limit(block.position() + (int) -done);
        below.read(block, at);
      }
      at += Math.abs(done);
    }
    block.limit(limit);
  }

  /** Refuses writers of what is read-only, and announces the first of the others. */
  protected final void touch() throws DiskException {
    if (touched) {
      return;
    }
    lock.writeLock().lock();
    try {
      if (!writable) {
        throw new DiskException(
            Kind.READ_ONLY, name, "it was opened for reading; open it for writing first");
      }
      if (!touched) {
        beforeFirstWrite();
        touched = true;
      }
    } finally {
      lock.writeLock().unlock();
    }
  }

  @Override
  public final void flush() throws DiskException {
    if (!writable) {
      return;
    }
    lock.writeLock().lock();
    try {
      commit();
    } finally {
      lock.writeLock().unlock();
    }
  }

  @Override
  public final void close() throws DiskException {
    lock.writeLock().lock();
    try {
      if (writable) {
        commit();
      }
    } finally {
      try {
        release();
      } finally {
        lock.writeLock().unlock();
      }
    }
  }
}
