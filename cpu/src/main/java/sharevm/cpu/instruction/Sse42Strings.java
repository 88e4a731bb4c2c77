package sharevm.cpu.instruction;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.Operation;
import sharevm.cpu.decode.Instruction;

/** Comparison of strings: PCMPESTRI and its kin (Intel SDM Vol. 2B 4.1). */
final class Sse42Strings {
  /** Bits of the immediate. */
  private static final int WORDS = 1;

  private static final int SIGNED = 2;
  private static final int AGGREGATION = 0xc;
  private static final int NEGATIVE = 0x10;
  private static final int ONLY_VALID = 0x20;
  private static final int MOST_SIGNIFICANT = 0x40;
  private static final int EXPANDED = 0x40;

  /** Values of {@link #AGGREGATION}. */
  private static final int EQUAL_ANY = 0;

  private static final int RANGES = 4;
  private static final int EQUAL_EACH = 8;

  private Sse42Strings() {}

  static void bind(Semantics semantics) {
    semantics.put("PCMPESTRI", operation(true, true));
    semantics.put("PCMPESTRM", operation(true, false));
    semantics.put("PCMPISTRI", operation(false, true));
    semantics.put("PCMPISTRM", operation(false, false));
  }

  /** A string of up to 16 bytes or 8 words, and how its elements are read. */
  private record Text(long low, long high, int length, int control) {
    int at(int n) {
      if ((control & WORDS) != 0) {
        int word = (int) ((n < 4 ? low : high) >>> 16 * (n & 3));
        return (control & SIGNED) != 0 ? (short) word : word & 0xffff;
      }
      int value = (int) ((n < 8 ? low : high) >>> 8 * (n & 7));
      return (control & SIGNED) != 0 ? (byte) value : value & 0xff;
    }
  }

  private static Operation operation(boolean explicitLengths, boolean index) {
    return (cpu, i) -> compare(cpu, i, explicitLengths, index);
  }

  private static void compare(Cpu cpu, Instruction i, boolean explicitLengths, boolean index) {
    CpuState s = cpu.state;
    FloatGuard.sse(s);
    long low = i.memory ? cpu.memory.load128(i) : s.xmmLow(i.source);
    long high = i.memory ? cpu.memory.high128() : s.xmmHigh(i.source);
    int control = (int) i.immediate & 0xff;
    int most = (control & WORDS) != 0 ? 8 : 16;
    long aLow = s.xmmLow(i.destination);
    long aHigh = s.xmmHigh(i.destination);
    int aLength = explicitLengths ? length(s, CpuState.RAX, i, most) : end(aLow, aHigh, control);
    int bLength = explicitLengths ? length(s, CpuState.RDX, i, most) : end(low, high, control);
    Text a = new Text(aLow, aHigh, aLength, control);
    Text b = new Text(low, high, bLength, control);
    int result = polarize(aggregate(a, b, most), control, bLength, most);
    if (index) {
      s.r32(CpuState.RCX, index(result, control, most));
    } else {
      mask(s, result, control);
    }
    int flags = result != 0 ? Flags.CF : 0;
    flags |= bLength < most ? Flags.ZF : 0;
    flags |= aLength < most ? Flags.SF : 0;
    Flags.status(s, flags | ((result & 1) != 0 ? Flags.OF : 0));
  }

  /**
   * Returns the magnitude of EAX or EDX, with REX.W of RAX or RDX, up to the most elements that
   * there are.
   */
  private static int length(CpuState s, int register, Instruction i, int most) {
    long value = i.rexW ? s.gpr[register] : s.r32(register);
    long magnitude = Math.abs(value);
    return magnitude < 0 ? most : (int) Math.min(magnitude, most);
  }

  /** Returns how many elements there are before the first that is zero. */
  private static int end(long low, long high, int control) {
    int most = (control & WORDS) != 0 ? 8 : 16;
    Text text = new Text(low, high, most, control);
    int n = 0;
    while (n < most && text.at(n) != 0) {
      n++;
    }
    return n;
  }

  /** Returns a bit for each element of {@code b}: "IntRes1". */
  private static int aggregate(Text a, Text b, int most) {
    int result = 0;
    for (int j = 0; j < most; j++) {
      boolean holds =
          switch (a.control & AGGREGATION) {
            case EQUAL_ANY -> j < b.length && isAny(a, b.at(j));
            case RANGES -> j < b.length && isInRange(a, b.at(j));
            case EQUAL_EACH ->
                j < a.length && j < b.length ? a.at(j) == b.at(j) : j >= a.length && j >= b.length;
            default -> isPrefix(a, b, j, most);
          };
      result |= holds ? 1 << j : 0;
    }
    return result;
  }

  private static boolean isAny(Text a, int element) {
    for (int n = 0; n < a.length; n++) {
      if (a.at(n) == element) {
        return true;
      }
    }
    return false;
  }

  private static boolean isInRange(Text a, int element) {
    for (int n = 0; n + 1 < a.length; n += 2) {
      if (element >= a.at(n) && element <= a.at(n + 1)) {
        return true;
      }
    }
    return false;
  }

  /**
   * Returns whether {@code b} from an element on begins with {@code a}, as far as the register
   * reaches.
   */
  private static boolean isPrefix(Text a, Text b, int from, int most) {
    for (int n = 0; n < a.length && from + n < most; n++) {
      if (from + n >= b.length || a.at(n) != b.at(from + n)) {
        return false;
      }
    }
    return true;
  }

  /** Negates all bits, or those of valid elements, or none: "IntRes2". */
  private static int polarize(int result, int control, int bLength, int most) {
    if ((control & NEGATIVE) == 0) {
      return result;
    }
    return result ^ (1 << ((control & ONLY_VALID) != 0 ? bLength : most)) - 1;
  }

  private static int index(int result, int control, int most) {
    if (result == 0) {
      return most;
    }
    return (control & MOST_SIGNIFICANT) != 0
        ? 31 - Integer.numberOfLeadingZeros(result)
        : Integer.numberOfTrailingZeros(result);
  }

  private static void mask(CpuState s, int result, int control) {
    if ((control & EXPANDED) == 0) {
      SseAccess.set(s, 0, result, 0);
    } else if ((control & WORDS) != 0) {
      SseAccess.set(s, 0, expand(result, 4, 16), expand(result >> 4, 4, 16));
    } else {
      SseAccess.set(s, 0, expand(result, 8, 8), expand(result >> 8, 8, 8));
    }
  }

  /** Makes elements of all ones or zeros from bits. */
  private static long expand(int bits, int count, int width) {
    long mask = 0;
    for (int n = 0; n < count; n++) {
      mask |= (bits >> n & 1) * (-1L >>> 64 - width) << n * width;
    }
    return mask;
  }
}
