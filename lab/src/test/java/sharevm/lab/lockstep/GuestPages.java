package sharevm.lab.lockstep;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import sharevm.lab.lockstep.GuestMode.Paging;

/** A guest's page tables in its RAM, made and changed from outside. */
public final class GuestPages {
  /** Entry bits (Intel SDM Vol. 3A table 4-20). */
  public static final long PRESENT = 1;

  public static final long WRITABLE = 1 << 1;
  public static final long USER = 1 << 2;
  public static final long ACCESSED = 1 << 5;
  public static final long DIRTY = 1 << 6;
  public static final long GLOBAL = 1 << 8;
  public static final long NO_EXECUTE = 1L << 63;

  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
  private static final long FRAME = 0xff_ffff_f000L;

  private final MemorySegment ram;
  private final Paging paging;
  private final int root;
  private int nextTable;

  /**
   * Begins with empty tables.
   *
   * @param root physical address and RAM offset of the root; more tables follow it
   */
  public GuestPages(MemorySegment ram, Paging paging, int root) {
    this.ram = ram;
    this.paging = paging;
    this.root = root;
    this.nextTable = root + 4096;
    if (paging == Paging.PAE) {
      for (int n = 0; n < 4; n++) {
        ram.set(LONG, root + 8L * n, newTable() | PRESENT);
      }
    }
  }

  /** Returns where the root is. */
  public int root() {
    return root;
  }

  private int newTable() {
    int table = nextTable;
    nextTable += 4096;
    return table;
  }

  private int levels() {
    return paging == Paging.FOUR_LEVEL ? 4 : paging == Paging.PAE ? 3 : 2;
  }

  /**
   * Returns the RAM offset of the entry of a page in a table of the last level, made if need be.
   */
  public long entryPlace(long linear) {
    int bits = paging == Paging.LEGACY ? 10 : 9;
    long table = root;
    for (int level = levels() - 1; level > 0; level--) {
      long place = table + width() * (linear >>> 12 + bits * level & (1 << bits) - 1);
      if ((read(place) & PRESENT) == 0) {
        write(place, newTable() | PRESENT | WRITABLE | USER | ACCESSED);
      }
      table = read(place) & FRAME;
    }
    return table + width() * (linear >>> 12 & (1 << bits) - 1);
  }

  /** Bytes of an entry. */
  public int width() {
    return paging == Paging.LEGACY ? 4 : 8;
  }

  /** Returns the entry of a page. */
  public long entry(long linear) {
    return read(entryPlace(linear));
  }

  /** Sets the entry of a page. */
  public void entry(long linear, long value) {
    write(entryPlace(linear), value);
  }

  /** Maps a page; rights that the kind of tables does not know are left out. */
  public void map(long linear, long physical, long rights) {
    entry(linear, physical | (paging == Paging.LEGACY ? rights & 0xfff : rights));
  }

  private long read(long place) {
    return width() == 8 ? ram.get(LONG, place) : ram.get(INT, place) & 0xffff_ffffL;
  }

  private void write(long place, long value) {
    if (width() == 8) {
      ram.set(LONG, place, value);
    } else {
      ram.set(INT, place, (int) value);
    }
  }
}
