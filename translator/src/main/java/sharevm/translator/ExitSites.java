package sharevm.translator;

import java.util.ArrayList;
import java.util.List;

/**
 * Exit sites by their numbers, which count from 0. A block has about eight, so that they are kept
 * in few bytes each.
 */
final class ExitSites {
  private static final ExitSite.Kind[] KINDS = ExitSite.Kind.values();

  /** Widths of the fields of a packed site, from the lowest bit on: kind, index, size. */
  private static final int KIND_BITS = 4;

  private static final int INDEX_BITS = 7;
  private static final int SIZE_BITS = 10;

  private static final int CHUNK_BITS = 10;

  /** Sites that follow one another: what is full stays where it is when more come. */
  private static final class Chunk {
    final int[] blockNumbers = new int[1 << CHUNK_BITS];
    final int[] packed = new int[1 << CHUNK_BITS];
    final short[] modes = new short[1 << CHUNK_BITS];
    final int[] patches = new int[1 << CHUNK_BITS];
    final long[] targets = new long[1 << CHUNK_BITS];
  }

  private final List<TranslatedBlock> blocks = new ArrayList<>();
  private final List<Chunk> chunks = new ArrayList<>();
  private int size;

  /** Returns how many there are: the number of the next. */
  int size() {
    return size;
  }

  void clear() {
    blocks.clear();
    chunks.clear();
    size = 0;
  }

  /** Adds a site behind the last. */
  void add(ExitSite site) {
    int at = inChunk(size);
    if (at == 0) {
      chunks.add(new Chunk());
    }
    if (blocks.isEmpty() || blocks.getLast() != site.block()) {
      blocks.add(site.block());
    }
    Chunk chunk = chunks.getLast();
    chunk.blockNumbers[at] = blocks.size() - 1;
    chunk.packed[at] = pack(site);
    chunk.modes[at] = (short) site.modeKey();
    chunk.patches[at] = site.patch();
    chunk.targets[at] = site.target();
    size++;
  }

  /** Says where a site leads to, which was not known before. */
  void aim(int number, long target) {
    chunks.get(number >> CHUNK_BITS).targets[inChunk(number)] = target;
  }

  /** Returns why the site with a number leaves translated code. */
  ExitSite.Kind kind(int number) {
    return KINDS[field(chunks.get(number >> CHUNK_BITS).packed[inChunk(number)], 0, KIND_BITS)];
  }

  /** Returns the site with a number. */
  ExitSite get(int number) {
    Chunk chunk = chunks.get(number >> CHUNK_BITS);
    int at = inChunk(number);
    int bits = chunk.packed[at];
    int index = field(bits, KIND_BITS, INDEX_BITS);
    int bytes = field(bits, KIND_BITS + INDEX_BITS, SIZE_BITS);
    int mode = chunk.modes[at];
    TranslatedBlock block = blocks.get(chunk.blockNumbers[at]);
    return new ExitSite(
        kind(number), block, mode, index, chunk.targets[at], chunk.patches[at], bytes, bits < 0);
  }

  private static int pack(ExitSite site) {
    int bits = site.size();
    bits = bits << INDEX_BITS | site.index();
    bits = bits << KIND_BITS | site.kind().ordinal();
    return site.write() ? bits | Integer.MIN_VALUE : bits;
  }

  private static int inChunk(int number) {
    return number & (1 << CHUNK_BITS) - 1;
  }

  private static int field(int bits, int from, int width) {
    return bits >>> from & (1 << width) - 1;
  }
}
