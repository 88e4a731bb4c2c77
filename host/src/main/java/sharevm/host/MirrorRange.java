package sharevm.host;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import java.util.Optional;

/**
 * A range of the host's addresses in which pages of a {@link GuestRam} appear once more, in an
 * order of one's own. What is written to either is read from both.
 *
 * <p>The range goes when this object is no longer reachable or is closed; nothing may be reading it
 * then.
 */
public final class MirrorRange implements AutoCloseable {
  /** {@code PROT_NONE} of Linux, asm-generic/mman-common.h. */
  private static final int NO_ACCESS = 0;

  /**
   * {@code MAP_PRIVATE}, {@code MAP_FIXED}, {@code MAP_ANONYMOUS}, {@code MAP_NORESERVE} of Linux,
   * asm-generic/mman.h.
   */
  private static final int RESERVED = 2 | 0x20 | 0x4000;

  private static final int FIXED = 0x10;

  /** {@code MREMAP_MAYMOVE} and {@code MREMAP_FIXED} of Linux, linux/mman.h. */
  private static final int TO_GIVEN_PLACE = 1 | 2;

  private static final long PAGE_BYTES = 4096;

  private static final Cleaner CLEANER = Cleaner.create();

  private final long address;
  private final long bytes;
  private final CFunction remap;
  private final MemorySegment state;
  private final Cleaner.Cleanable release;

  private MirrorRange(long bytes) throws HostException {
    this.bytes = bytes;
    this.remap = CFunction.of("mremap");
    this.state = CFunction.callState(Arena.ofAuto());
    this.address = reserve(0, 0);
    if (address == -1) {
      throw new HostException("the host refuses addresses, error " + CFunction.errno(state));
    }
    long reserved = address;
    this.release = CLEANER.register(this, () -> CLibrary.unmap(reserved, bytes));
  }

  /**
   * Reserves addresses, which read as nothing yet.
   *
   * @param bytes a multiple of 4096; they cost no memory
   * @return nothing where the host cannot do this
   */
  public static Optional<MirrorRange> reserve(long bytes) {
    if (!CLibrary.isLinux()) {
      return Optional.empty();
    }
    try {
      MirrorRange range = new MirrorRange(bytes);
      return range.refusesPrivateMemory() ? Optional.of(range) : Optional.empty();
    } catch (HostException | IllegalStateException _) {
      return Optional.empty();
    }
  }

  /**
   * Whether the host shows shared memory only: before version 4.14 Linux shows a copy of what is
   * private, or nothing.
   */
  private boolean refusesPrivateMemory() {
    try (Arena scratch = Arena.ofConfined()) {
      long somewhere = scratch.allocate(2L * PAGE_BYTES, PAGE_BYTES).address();
      return !show(0, somewhere, PAGE_BYTES);
    }
  }

  /** Returns the address of the first byte. */
  public long address() {
    return address;
  }

  /**
   * Lets memory appear at a place, instead of what has appeared there before.
   *
   * @param at distance from the first byte, a multiple of 4096
   * @param source address of mapped memory, a multiple of 4096
   * @param length a multiple of 4096
   * @return false where the host refuses, because memory is not shared or for want of mappings
   */
  public boolean show(long at, long source, long length) {
    if (at < 0 || length <= 0 || at + length > bytes) {
      throw new IllegalArgumentException("%d bytes at %d are not in range".formatted(length, at));
    }
    long to = address + at;
    return remap.call(state, source, 0, length, TO_GIVEN_PLACE, to) == to;
  }

  /**
   * Lets nothing appear anywhere.
   *
   * @return false where the host refuses; all is as before then
   */
  public boolean clear() {
    return reserve(address, FIXED) == address;
  }

  private long reserve(long where, int flags) {
    return CLibrary.map(state, where, bytes, NO_ACCESS, RESERVED | flags, -1);
  }

  /** Gives the addresses back to the host. */
  @Override
  public void close() {
    release.clean();
  }
}
