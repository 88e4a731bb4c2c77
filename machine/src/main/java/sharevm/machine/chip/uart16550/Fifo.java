package sharevm.machine.chip.uart16550;

import java.util.Arrays;
import sharevm.cpu.SavedState;

/** A ring of up to 16 characters, each with the line status that came with it in bits 8 and up. */
final class Fifo {
  /** Characters in each FIFO. @ref [PC16550D] "FIFO Interrupt Mode Operation" */
  static final int CAPACITY = 16;

  private final short[] entries = new short[CAPACITY];
  private int head;
  private int count;

  int count() {
    return count;
  }

  boolean isEmpty() {
    return count == 0;
  }

  boolean isFull() {
    return count == CAPACITY;
  }

  void add(int entry) {
    entries[(head + count++) % CAPACITY] = (short) entry;
  }

  int peek() {
    return entries[head] & 0xFFFF;
  }

  int take() {
    int entry = peek();
    head = (head + 1) % CAPACITY;
    count--;
    return entry;
  }

  /** Replaces the newest entry. */
  void replaceLast(int entry) {
    entries[(head + count - 1) % CAPACITY] = (short) entry;
  }

  void clear() {
    head = 0;
    count = 0;
  }

  /** Returns whether any entry has a bit of {@code mask}. */
  boolean any(int mask) {
    for (int i = 0; i < count; i++) {
      if ((entries[(head + i) % CAPACITY] & mask) != 0) {
        return true;
      }
    }
    return false;
  }

  /** Forgets line status bits of the oldest entry. */
  void clearFirst(int mask) {
    entries[head] = (short) (entries[head] & ~mask);
  }

  SavedState save() {
    long[] content = new long[count];
    for (int i = 0; i < count; i++) {
      content[i] = entries[(head + i) % CAPACITY] & 0xFFFF;
    }
    return new SavedState().put("content", content);
  }

  void restore(SavedState state) {
    clear();
    Arrays.stream(state.getLongs("content")).limit(CAPACITY).forEach(entry -> add((int) entry));
  }
}
