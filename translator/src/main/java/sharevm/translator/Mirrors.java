package sharevm.translator;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import sharevm.host.MirrorRange;

/**
 * User pages that appear a second time in the host's addresses, in the order of the guest's: all of
 * a zone of the guest's addresses are at one distance from the host's, so that a load need not wait
 * for the TLB to tell where its page is, but only checks, beside a jump that the host predicts,
 * that the TLB agrees.
 *
 * <p>A mirror holds no truth of its own. An entry of {@link Context#MIRROR} is empty unless the
 * entry of the TLB beside it is good, and names another address of the same memory. The distances
 * of zones all differ in the bits that choose an entry, so an address agrees with the entry of its
 * own page alone, whatever distance was added to it.
 */
final class Mirrors {
  /**
   * Accesses that find their page in no mirror for each that gets it into one, by how often a block
   * is executed before it is worth a translation.
   */
  private static final int PATIENCE = 256;

  /** Changes of distances, for each access that is told to do without. */
  private static final int CHANGES = 1 << 14;

  /** A program's data are in two or three zones of 1 GiB. */
  private static final int ZONE_BITS = 30;

  private static final int MOST_ZONES = 15;

  /**
   * Pages of an address space that one access may get into mirrors. What wants more wanders through
   * much memory, and waits for the host's caches rather than for the TLB.
   */
  private static final int MOST_PAGES_OF_ACCESS = 64;

  private static final int ACCESSES = 1 << Context.MIRROR_DISTANCE_BITS;

  private static final int PAGE = 4096;
  private static final int ENTRIES = 1 << Context.TLB_BITS;

  /** Bytes of memory whose pages all have TLB entries of their own. */
  private static final long SPREAD = (long) PAGE * ENTRIES;

  private static final long STRIDE = (1L << ZONE_BITS) + SPREAD;
  private static final int USER_BITS = 47;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;

  /**
   * A part of an address space.
   *
   * @param space the top page table's number, whatever its PCID is
   * @param number the high bits of its linear addresses
   */
  private record Zone(long space, long number) {}

  private final MemorySegment shared;
  private final int patience;
  private final int mostPages;
  private final List<Zone> zones = new ArrayList<>();

  /** For each zone how many of its pages have been shown. */
  private final int[] pages = new int[MOST_ZONES];

  /** For each access, by its number among distances, how many pages it has got. */
  private final int[] wanted = new int[ACCESSES];

  /** The address space that they are of. */
  private final long[] wantedIn = new long[ACCESSES];

  private MirrorRange range;
  private boolean full;
  private boolean refused;

  Mirrors(MemorySegment shared, Tuning tuning) {
    this.shared = shared;
    this.patience = (tuning.hot() - 1) * PATIENCE;
    this.mostPages = tuning.mirrorPages();
    shared.set(INT, Context.MIRROR_WISHES, patience);
    shared.set(INT, Context.MIRROR_CHANGES, CHANGES);
    forget();
  }

  private void forget() {
    zones.clear();
    Arrays.fill(pages, 0);
    Arrays.fill(wanted, 0);
    for (int n = 0; n < ENTRIES; n++) {
      empty(n);
      shared.set(LONG, Context.MIRRORED_PAGE + 8L * n, -1);
    }
    shared.asSlice(Context.MIRROR_DISTANCES, 8L << Context.MIRROR_DISTANCE_BITS).fill((byte) 0);
  }

  /**
   * Says which address space is in force, and that no code has an address in a mirror: only here
   * may they all go.
   */
  void enter(long cr3) {
    if (full) {
      forget();
      refused |= !range.clear();
      full = false;
    }
    shared.set(INT, Context.ADDRESS_SPACE, (int) space(cr3) * 37 & ENTRIES - 1);
  }

  /** Says that an entry of the user TLB is empty or new: its page is in no mirror yet. */
  void empty(int entry) {
    shared.set(LONG, Context.MIRROR + 8L * entry, (entry ^ ENTRIES / 2) * (long) PAGE);
  }

  /**
   * Does what an access wants that found its page in no mirror, or in another zone than before, and
   * was the last of many. Mirrors that are full will soon be emptied for it, unless its own address
   * space has filled most of them and so wants more than there can be.
   *
   * @param linear the page, for which there is an entry in the user TLB
   * @param cr3 its address space
   * @param site number of the access's exit site
   * @return false when the access is to do without from now on
   */
  boolean serve(long linear, long cr3, int site) {
    boolean restless = shared.get(INT, Context.MIRROR_CHANGES) < 0;
    shared.set(INT, Context.MIRROR_CHANGES, CHANGES);
    shared.set(INT, Context.MIRROR_WISHES, patience);
    boolean wanders = countsTooMany(space(cr3), site & ACCESSES - 1);
    if (restless || wanders || refused || linear >>> USER_BITS != 0) {
      return false;
    }
    Zone zone = new Zone(space(cr3), linear >>> ZONE_BITS);
    boolean more = zones.size() < MOST_ZONES || zones.contains(zone);
    full |= !more || IntStream.of(pages).sum() == mostPages;
    if (full) {
      return !hasFilledMost(zone.space);
    }
    refused = !show(linear, zone);
    return !refused;
  }

  /**
   * Counts a page that an access wants; returns whether it has got as many of a space as it may.
   */
  private boolean countsTooMany(long space, int access) {
    if (wantedIn[access] != space) {
      wantedIn[access] = space;
      wanted[access] = 0;
    }
    return ++wanted[access] > MOST_PAGES_OF_ACCESS;
  }

  private boolean show(long linear, Zone zone) {
    if (range == null) {
      range = MirrorRange.reserve(MOST_ZONES * STRIDE + SPREAD).orElse(null);
    }
    int entry = (int) (linear >>> 12) & ENTRIES - 1;
    long memory = shared.get(LONG, Context.TLB + Context.TLB_HOST + 8L * entry);
    long host = range == null ? 0 : start(zone) + (linear & (1L << ZONE_BITS) - 1);
    if (range == null || !range.show(host - range.address(), memory, PAGE)) {
      return false;
    }
    pages[zones.indexOf(zone)]++;
    long number = 8L * (entry ^ shared.get(INT, Context.ADDRESS_SPACE));
    shared.set(LONG, Context.MIRRORED_PAGE + number, linear);
    shared.set(LONG, Context.MIRRORED_MEMORY + number, memory);
    shared.set(LONG, Context.MIRRORED_HOST + number, host);
    return true;
  }

  private boolean hasFilledMost(long space) {
    int[] own = IntStream.range(0, zones.size()).filter(n -> zones.get(n).space == space).toArray();
    int ownPages = IntStream.of(own).map(n -> pages[n]).sum();
    return own.length > MOST_ZONES / 2 || ownPages > mostPages / 2;
  }

  private static long space(long cr3) {
    return cr3 >>> 12;
  }

  /** Returns the host's address for a zone's first page. */
  private long start(Zone zone) {
    if (!zones.contains(zone)) {
      zones.add(zone);
    }
    int index = zones.indexOf(zone);
    long first = (range.address() + SPREAD - 1) / SPREAD * SPREAD;
    return first + index * STRIDE + (index + 1L) * PAGE;
  }

  /** Gives the host's addresses back. */
  void close() {
    if (range != null) {
      forget();
      range.close();
      refused = true;
    }
  }
}
