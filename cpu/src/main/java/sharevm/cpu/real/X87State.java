package sharevm.cpu.real;

import java.util.Arrays;
import sharevm.cpu.SavedState;

/**
 * The registers of the x87 unit, which MMX registers are a part of. SDM Vol. 1, 8.1 and 9.2.
 *
 * <p>ST(i) is the physical register {@code (TOP + i) mod 8}; MMi is physical register i. Of the tag
 * word only "empty" is kept: what else it says, the register's content says too (8.1.7).
 */
public final class X87State {
  /** Stack fault, a part of an invalid operation. Bits of the status word: SDM Vol. 1, 8.1.3. */
  public static final int STACK_FAULT = 1 << 6;

  /** Exception summary. */
  public static final int SUMMARY = 1 << 7;

  public static final int C0 = 1 << 8;
  public static final int C1 = 1 << 9;
  public static final int C2 = 1 << 10;
  public static final int C3 = 1 << 14;
  public static final int CONDITIONS = C0 | C1 | C2 | C3;

  /** Mirrors the summary. */
  public static final int BUSY = 1 << 15;

  private static final int TOP_SHIFT = 11;
  private static final int TOP_FIELD = 7 << TOP_SHIFT;

  /** What FNINIT loads into the control word. */
  private static final int CONTROL_INITIAL = 0x37f;

  /** What power-up loads into it. SDM Vol. 3A, table 10-1. */
  private static final int CONTROL_POWER_UP = 0x40;

  /** Bits of the control word that exist; bit 6 is always set. */
  private static final int CONTROL_BITS = 0x1f3f;

  private static final int CONTROL_FIXED = 0x40;
  private static final int OPCODE_BITS = 0x7ff;

  private final long[] significand = new long[8];
  private final int[] signExponent = new int[8];
  private int top;
  private int control;
  private int status;

  /** A bit for each physical register that is not empty. */
  private int valid;

  private long instructionPointer;
  private int codeSelector;
  private long dataPointer;
  private int dataSelector;
  private int opcode;

  /**
   * Whether anything but the pointers and the opcode may have changed: see {@link #takeChanged}.
   */
  private boolean changed;

  /** A unit as after power-up. */
  public X87State() {
    powerUp();
  }

  /** What RESET does; INIT leaves the unit alone. */
  public void powerUp() {
    initialize();
    control = CONTROL_POWER_UP;
    Arrays.fill(significand, 0);
    Arrays.fill(signExponent, 0);
    valid = 0xff;
  }

  /** What FNINIT does. */
  public void initialize() {
    changed = true;
    control = CONTROL_INITIAL;
    status = 0;
    top = 0;
    valid = 0;
    instructionPointer = 0;
    codeSelector = 0;
    dataPointer = 0;
    dataSelector = 0;
    opcode = 0;
  }

  /**
   * Returns whether control, status, tags or registers may have changed since this was last asked.
   */
  public boolean takeChanged() {
    boolean was = changed;
    changed = false;
    return was;
  }

  // Control and status.

  public int controlWord() {
    return control;
  }

  public void setControlWord(int word) {
    control = word & CONTROL_BITS | CONTROL_FIXED;
    summarize();
  }

  public int statusWord() {
    return status | top << TOP_SHIFT;
  }

  public void setStatusWord(int word) {
    top = word >> TOP_SHIFT & 7;
    status = word & 0xffff & ~TOP_FIELD;
    summarize();
  }

  /** Whether an unmasked exception waits for the next waiting instruction. */
  public boolean pending() {
    return (status & SUMMARY) != 0;
  }

  /** Makes exceptions sticky; some may become pending by that. */
  public void raise(int exceptions) {
    status |= exceptions;
    summarize();
  }

  /** Clears exceptions, stack fault and summary: FNCLEX. */
  public void clearExceptions() {
    changed = true;
    status &= CONDITIONS;
  }

  private void summarize() {
    changed = true;
    boolean unmasked = (status & ~control & FloatException.ALL) != 0;
    status = unmasked ? status | SUMMARY | BUSY : status & ~(SUMMARY | BUSY);
  }

  public void setC1(boolean value) {
    changed = true;
    status = value ? status | C1 : status & ~C1;
  }

  public void clearC2() {
    changed = true;
    status &= ~C2;
  }

  public void setC2() {
    changed = true;
    status |= C2;
  }

  /** Sets all four condition codes, given in their places in the status word. */
  public void setConditions(int codes) {
    changed = true;
    status = status & ~CONDITIONS | codes;
  }

  // The stack.

  public int top() {
    return top;
  }

  private int physical(int i) {
    return top + i & 7;
  }

  public boolean isEmpty(int i) {
    return (valid >> physical(i) & 1) == 0;
  }

  /** Marks ST(i) empty. */
  public void free(int i) {
    changed = true;
    valid &= ~(1 << physical(i));
  }

  /** Decrements TOP; ST(0) is then whatever was in that register. */
  public void decrementTop() {
    changed = true;
    top = top - 1 & 7;
  }

  /** Increments TOP without freeing anything. */
  public void incrementTop() {
    changed = true;
    top = top + 1 & 7;
  }

  /** Frees ST(0) and increments TOP. */
  public void pop() {
    free(0);
    incrementTop();
  }

  /** Sets ST(i) and its tag. */
  public void set(int i, int newSignExponent, long newSignificand) {
    changed = true;
    int register = physical(i);
    signExponent[register] = newSignExponent;
    significand[register] = newSignificand;
    valid |= 1 << register;
  }

  /** Sets ST(i) to an operation's result. */
  public void set(int i, X87Context result) {
    set(i, result.signExponent, result.significand);
  }

  /** Sets ST(i) to the default NaN, the masked response to a stack fault. */
  public void setIndefinite(int i) {
    set(i, X87Context.NAN_SIGN_EXPONENT, X87Context.NAN_SIGNIFICAND);
  }

  /** Sign in bit 15 and exponent of ST(i). */
  public int signExponent(int i) {
    return signExponent[physical(i)];
  }

  public long significand(int i) {
    return significand[physical(i)];
  }

  /** Takes ST(i) apart. */
  public void load(int i, Real operand) {
    int register = physical(i);
    operand.setExtended(signExponent[register], significand[register]);
  }

  // MMX.

  /** The content of MMi. */
  public long mmx(int i) {
    return significand[i];
  }

  /** Sets MMi: the register's sign and exponent become all ones. SDM Vol. 1, 9.6.2. */
  public void setMmx(int i, long value) {
    changed = true;
    significand[i] = value;
    signExponent[i] = 0xffff;
  }

  /** What every MMX instruction but EMMS does: TOP is 0, all registers are valid. */
  public void enterMmx() {
    changed = true;
    top = 0;
    valid = 0xff;
  }

  /** EMMS: all registers are empty. */
  public void emptyAll() {
    changed = true;
    valid = 0;
  }

  // The last instruction, for exception handlers.

  /**
   * Notes the last non-control instruction: its opcode has 11 bits, of the first byte the low 3.
   */
  public void setInstruction(long pointer, int selector, int opcodeBits) {
    instructionPointer = pointer;
    codeSelector = selector;
    opcode = opcodeBits & OPCODE_BITS;
  }

  /** Notes the last memory operand of a non-control instruction. */
  public void setData(long pointer, int selector) {
    dataPointer = pointer;
    dataSelector = selector;
  }

  // Tag words.

  /** The 16-bit tag word, two bits for each physical register. SDM Vol. 1, 8.1.7. */
  public int tagWord() {
    int tags = 0;
    for (int register = 7; register >= 0; register--) {
      tags = tags << 2 | tag(register);
    }
    return tags;
  }

  private int tag(int register) {
    if ((valid >> register & 1) == 0) {
      return 3;
    }
    int exponent = signExponent[register] & 0x7fff;
    if (exponent == 0 && significand[register] == 0) {
      return 1;
    }
    boolean normal = exponent != 0 && exponent != 0x7fff && significand[register] < 0;
    return normal ? 0 : 2;
  }

  /** Takes a 16-bit tag word, of which only "empty" counts. */
  public void setTagWord(int tags) {
    changed = true;
    valid = 0;
    for (int register = 0; register < 8; register++) {
      if ((tags >> 2 * register & 3) != 3) {
        valid |= 1 << register;
      }
    }
  }

  /** FXSAVE's tag byte: a bit for each physical register that is not empty. */
  public int abridgedTags() {
    return valid;
  }

  // Images in memory.

  /**
   * Fills the seven words of FNSTENV's image. SDM Vol. 1, figures 8-9 to 8-12.
   *
   * @param real the format of real-address and virtual-8086 mode, which has linear addresses
   * @param wide seven words of 32 bits, otherwise of 16
   */
  public void environment(int[] words, boolean real, boolean wide) {
    int reserved = wide ? 0xffff_0000 : 0;
    words[0] = control | reserved;
    words[1] = statusWord() | reserved;
    words[2] = tagWord() | reserved;
    if (real) {
      int instruction = (int) instructionPointer + (codeSelector << 4);
      int data = (int) dataPointer + (dataSelector << 4);
      int upper = wide ? 0xffff_0000 : 0xf_0000;
      words[3] = instruction & 0xffff | reserved;
      words[4] = (instruction & upper) >>> 4 | opcode;
      words[5] = data & 0xffff | reserved;
      words[6] = (data & upper) >>> 4;
    } else {
      words[3] = (int) instructionPointer;
      words[4] = codeSelector | (wide ? opcode << 16 : 0);
      words[5] = (int) dataPointer;
      words[6] = dataSelector | reserved;
    }
  }

  /** Loads what {@link #environment} made, or anything else. */
  public void setEnvironment(int[] words, boolean real, boolean wide) {
    control = words[0] & CONTROL_BITS | CONTROL_FIXED;
    setStatusWord(words[1]);
    setTagWord(words[2]);
    int offsetMask = wide && !real ? -1 : 0xffff;
    instructionPointer = words[3] & offsetMask & 0xffff_ffffL;
    dataPointer = words[5] & offsetMask & 0xffff_ffffL;
    codeSelector = 0;
    dataSelector = 0;
    if (real) {
      int upper = wide ? 0x0fff_f000 : 0xf000;
      instructionPointer |= ((long) words[4] & upper) << 4;
      dataPointer |= ((long) words[6] & upper) << 4;
      opcode = words[4] & OPCODE_BITS;
    } else {
      codeSelector = words[4] & 0xffff;
      dataSelector = words[6] & 0xffff;
      opcode = wide ? words[4] >>> 16 & OPCODE_BITS : opcode;
    }
  }

  /** 64-bit words of the x87 part of FXSAVE's image: 160 bytes. */
  public static final int LEGACY_WORDS = 20;

  /** The word of that image that is MXCSR and its mask, not the x87 unit's. */
  public static final int LEGACY_MXCSR_WORD = 3;

  /**
   * Returns a 64-bit word of FXSAVE's image, also of XSAVE's legacy region; MXCSR's is 0. SDM Vol.
   * 1, 10.5.1.
   *
   * @param wide with REX.W: pointers of 64 bits and no selectors
   */
  public long legacyWord(int index, boolean wide) {
    return switch (index) {
      case 0 -> control | (long) statusWord() << 16 | (long) valid << 32 | (long) opcode << 48;
      case 1 -> pointerWord(instructionPointer, codeSelector, wide);
      case 2 -> pointerWord(dataPointer, dataSelector, wide);
      case LEGACY_MXCSR_WORD -> 0;
      default -> {
        int i = index - 4 >> 1;
        yield (index & 1) == 0 ? significand(i) : signExponent(i);
      }
    };
  }

  private static long pointerWord(long pointer, int selector, boolean wide) {
    return wide ? pointer : pointer & 0xffff_ffffL | (long) selector << 32;
  }

  /** Takes the {@link #LEGACY_WORDS} words of FXRSTOR's image. */
  public void setLegacy(long[] words, boolean wide) {
    setRegisters(words);
    opcode = (int) (words[0] >>> 48) & OPCODE_BITS;
    instructionPointer = wide ? words[1] : words[1] & 0xffff_ffffL;
    codeSelector = wide ? 0 : (int) (words[1] >>> 32) & 0xffff;
    dataPointer = wide ? words[2] : words[2] & 0xffff_ffffL;
    dataSelector = wide ? 0 : (int) (words[2] >>> 32) & 0xffff;
  }

  /** Takes of those words all but pointers and opcode. */
  public void setRegisters(long[] words) {
    control = (int) words[0] & CONTROL_BITS | CONTROL_FIXED;
    setStatusWord((int) (words[0] >>> 16));
    valid = (int) (words[0] >>> 32) & 0xff;
    for (int i = 0; i < 8; i++) {
      significand[physical(i)] = words[4 + 2 * i];
      signExponent[physical(i)] = (int) words[5 + 2 * i] & 0xffff;
    }
  }

  /** The state as named fields. */
  public SavedState save() {
    long[] exponents = new long[8];
    for (int i = 0; i < 8; i++) {
      exponents[i] = signExponent[i];
    }
    return new SavedState()
        .put("significands", significand)
        .put("signExponents", exponents)
        .put("control", control)
        .put("status", statusWord())
        .put("valid", valid)
        .put("instructionPointer", instructionPointer)
        .put("codeSelector", codeSelector)
        .put("dataPointer", dataPointer)
        .put("dataSelector", dataSelector)
        .put("opcode", opcode);
  }

  /** Takes a saved state; what no unit can hold is cut to what it can. */
  public void restore(SavedState saved) {
    long[] significands = saved.getLongs("significands");
    long[] exponents = saved.getLongs("signExponents");
    for (int i = 0; i < 8; i++) {
      significand[i] = i < significands.length ? significands[i] : 0;
      signExponent[i] = i < exponents.length ? (int) exponents[i] & 0xffff : 0;
    }
    control = saved.getInt("control") & CONTROL_BITS | CONTROL_FIXED;
    setStatusWord(saved.getInt("status"));
    valid = saved.getInt("valid") & 0xff;
    setInstruction(
        saved.getLong("instructionPointer"),
        saved.getInt("codeSelector") & 0xffff,
        saved.getInt("opcode"));
    setData(saved.getLong("dataPointer"), saved.getInt("dataSelector") & 0xffff);
  }
}
