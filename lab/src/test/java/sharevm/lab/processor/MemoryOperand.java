package sharevm.lab.processor;

import java.util.SplittableRandom;

/**
 * A random memory form of ModRM (Intel SDM Vol. 2A 2.1.5), and the register values that make it
 * point where it should.
 */
final class MemoryOperand {
  private static final int NONE = -1;

  /** Registers of the 16-bit forms: BX+SI, BX+DI, BP+SI, BP+DI, SI, DI, BP, BX. */
  private static final int[] BASE_16 = {3, 3, 5, 5, NONE, NONE, 5, 3};

  private static final int[] INDEX_16 = {6, 7, 6, 7, 6, 7, NONE, NONE};

  private final SplittableRandom random;
  private final int addressSize;
  private final boolean long64;

  int mod;
  int rm;
  private int sib = NONE;
  private int base = NONE;
  private int index = NONE;
  private int scale = 1;
  private boolean ripRelative;
  int displacementSize;
  long displacement;

  /** Bits that go into REX: X and B. */
  int rex;

  MemoryOperand(SplittableRandom random, Mode mode, int addressSize) {
    this.random = random;
    this.addressSize = addressSize;
    this.long64 = mode == Mode.LONG;
    mod = random.nextInt(3);
    rm = random.nextInt(8);
    if (addressSize == 2) {
      choose16();
    } else {
      choose32();
    }
    displacement =
        switch (displacementSize) {
          case 1 -> random.nextInt(-128, 128);
          case 2 -> (short) random.nextInt();
          case 4 -> random.nextInt(2) == 0 ? random.nextInt() : random.nextInt(-4096, 4096);
          default -> 0;
        };
  }

  private void choose16() {
    base = BASE_16[rm];
    index = INDEX_16[rm];
    displacementSize = mod;
    if (mod == 0 && rm == 6) {
      base = NONE;
      displacementSize = 2;
    }
  }

  private void choose32() {
    displacementSize = mod == 2 ? 4 : mod;
    int high = long64 ? 8 : 0;
    if (rm == 4) {
      sib = random.nextInt(256);
      int indexHigh = random.nextInt(2) * high;
      int baseHigh = random.nextInt(2) * high;
      scale = 1 << (sib >> 6);
      index = (sib >> 3 & 7) + indexHigh;
      if (index == 4) {
        index = NONE;
      }
      base = (sib & 7) + baseHigh;
      rex = (indexHigh != 0 ? 2 : 0) | (baseHigh != 0 ? 1 : 0);
      if ((sib & 7) == 5 && mod == 0) {
        base = NONE;
        displacementSize = 4;
      }
    } else if (rm == 5 && mod == 0) {
      displacementSize = 4;
      ripRelative = long64;
      rex = long64 ? random.nextInt(2) : 0;
    } else {
      int baseHigh = random.nextInt(2) * high;
      base = rm + baseHigh;
      rex = baseHigh != 0 ? 1 : 0;
    }
  }

  /** Returns ModRM with a value for its reg field, SIB and displacement. */
  byte[] encode(int reg) {
    byte[] bytes = new byte[1 + (sib == NONE ? 0 : 1) + displacementSize];
    bytes[0] = (byte) (mod << 6 | reg << 3 | rm);
    int at = 1;
    if (sib != NONE) {
      bytes[at++] = (byte) sib;
    }
    SpecialValues.put(bytes, at, displacementSize, displacement);
    return bytes;
  }

  /** Returns the number of displacement bytes, which are the last of {@link #encode}. */
  int displacementSize() {
    return displacementSize;
  }

  /** Returns whether the address is an offset into SS by default. */
  boolean stackByDefault() {
    return base == 4 || base == 5;
  }

  /**
   * Steers registers, or else the displacement, so that the offset becomes a wanted one as far as
   * the form allows.
   *
   * @param next address of the next instruction, for RIP-relative forms
   */
  void steer(ProcessorState state, long wanted, long next, Mode mode) {
    if (index != NONE && index != base && random.nextInt(4) != 0) {
      state.gpr[index] = random.nextInt(-64, 64) & mode.mask();
    }
    long indexed = index == NONE ? 0 : state.gpr[index] * scale;
    if (base != NONE && base != index) {
      set(state, base, wanted - indexed - displacement, mode);
    } else if (base != NONE) {
      if (displacementSize == 4) {
        displacement = (int) (wanted - state.gpr[base] - indexed);
      }
    } else if (displacementSize == 4) {
      displacement = (int) (wanted - indexed - (ripRelative ? next : 0));
      if (ripRelative && addressSize == 4) {
        displacement = (int) (wanted - next);
      }
    } else if (index != NONE) {
      set(state, index, wanted - displacement, mode);
    } else if (displacementSize == 2) {
      displacement = (short) wanted;
    }
  }

  private void set(ProcessorState state, int register, long value, Mode mode) {
    long part =
        switch (addressSize) {
          case 2 -> 0xffffL;
          case 4 -> 0xffff_ffffL;
          default -> -1L;
        };
    state.gpr[register] = (state.gpr[register] & ~part | value & part) & mode.mask();
  }

  /** Returns the offset that the form gives now. */
  long offset(ProcessorState state, long next) {
    long sum = displacement + (ripRelative ? next : 0);
    sum += base == NONE ? 0 : state.gpr[base];
    sum += index == NONE ? 0 : state.gpr[index] * scale;
    return switch (addressSize) {
      case 2 -> sum & 0xffff;
      case 4 -> sum & 0xffff_ffffL;
      default -> sum;
    };
  }
}
