package sharevm.lab.lockstep;

import java.util.SplittableRandom;

/**
 * What a random program uses registers for, so that its addresses stay near its data: pointers
 * change by constants alone, indexes are small, and anything is written to the others.
 */
final class GuestRegisters {
  static final int RAX = 0;
  static final int RCX = 1;
  static final int RDX = 2;
  static final int RSP = 4;
  static final int RBP = 5;
  static final int RSI = 6;
  static final int RDI = 7;

  final int[] pointers;

  /** Those of the pointers that are always multiples of 16. */
  final int[] aligned;

  final int[] indexes;
  final int[] data;
  final int count;

  GuestRegisters(boolean is64) {
    pointers = is64 ? new int[] {3, RSI, RDI, 8, 13} : new int[] {3, RDI};
    aligned = is64 ? new int[] {3, 8} : new int[] {3};
    indexes = is64 ? new int[] {9, 14} : new int[] {RSI};
    data = is64 ? new int[] {RAX, RCX, RDX, 10, 11, 12, 15} : new int[] {RAX, RCX, RDX};
    count = is64 ? 16 : 8;
  }

  static int one(int[] of, SplittableRandom random) {
    return of[random.nextInt(of.length)];
  }

  int pointer(SplittableRandom random) {
    return one(pointers, random);
  }

  int alignedPointer(SplittableRandom random) {
    return one(aligned, random);
  }

  boolean isAligned(int register) {
    return register == aligned[0] || register == aligned[aligned.length - 1];
  }

  int index(SplittableRandom random) {
    return one(indexes, random);
  }

  int data(SplittableRandom random) {
    return one(data, random);
  }

  int any(SplittableRandom random) {
    return random.nextInt(3) == 0 ? random.nextInt(count) : data(random);
  }
}
