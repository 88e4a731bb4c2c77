package sharevm.translator;

import java.util.BitSet;

/** Which entries of a table are in use, so that emptying it costs what was put in. */
final class UsedEntries {
  private final int[] numbers;
  private final BitSet present;
  private int size;

  UsedEntries(int tableSize) {
    numbers = new int[tableSize];
    present = new BitSet(tableSize);
  }

  void add(int number) {
    if (!present.get(number)) {
      present.set(number);
      numbers[size++] = number;
    }
  }

  int size() {
    return size;
  }

  int get(int n) {
    return numbers[n];
  }

  void clear() {
    size = 0;
    present.clear();
  }
}
