package sharevm.lab.segmented;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import sharevm.lab.lockstep.GuestText;
import sharevm.lab.lockstep.RandomProgram;
import sharevm.lab.segmented.GuestSegment.Range;

/**
 * A random program; it ends with INT3.
 *
 * @param code bytes from offset 0 of the code segment on
 * @param islands which of them the program consists of
 * @param otherCode where it is code of the other size, in order
 * @param entry the offset where it begins
 * @param recovery the offset where it goes on after what cannot be skipped
 * @param handlers offsets of its own handlers, by vector
 * @param wideHandlers whether gates to them are those of 32 bits
 * @param items the numbers of the pieces that it was put together of
 * @param patches offsets of immediate bytes that may be changed at any time
 */
record SegmentedProgram(
    Setting setting,
    byte[] code,
    List<Range> islands,
    List<Range> otherCode,
    long entry,
    long recovery,
    Map<Integer, Long> handlers,
    boolean wideHandlers,
    List<Long> items,
    List<Long> patches)
    implements RandomProgram {

  /** Whether an offset is one of the program's own. */
  boolean has(long offset) {
    return islands.stream().anyMatch(island -> offset >= island.low() && offset <= island.high());
  }

  @Override
  public List<String> text() {
    List<String> lines = new ArrayList<>(setting.toString().lines().toList());
    lines.add("recovers at %x, handlers %s".formatted(recovery, handlers));
    for (Range island : islands) {
      lines(lines, island);
      lines.add("");
    }
    return lines;
  }

  private void lines(List<String> lines, Range island) {
    int size = setting.mode().size;
    long from = island.low();
    for (Range other : otherCode) {
      if (island.contains(other)) {
        lines.addAll(lines(from, other.low(), size));
        lines.addAll(lines(other.low(), other.high() + 1, 6 - size));
        from = other.high() + 1;
      }
    }
    lines.addAll(lines(from, island.high() + 1, size));
  }

  private List<String> lines(long from, long to, int size) {
    return GuestText.lines(code, (int) from, (int) to, size, 0);
  }
}
