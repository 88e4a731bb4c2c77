package sharevm.translator;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import sharevm.cpu.CpuState;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.opcode.Opcode.Attribute;
import sharevm.cpu.opcode.OperandType;
import sharevm.cpu.opcode.OperandType.Kind;
import sharevm.translator.InstructionTranslator.Emitter;

/**
 * Which accesses of a block are to addresses that differ by constants only, so that one look into
 * the TLB answers for all: the first one's, for all bytes from the lowest to the highest.
 *
 * <p>Every general register is followed through the block as a root, which stands for a value
 * nobody knows, plus a distance.
 */
final class Windows {
  /** The most bytes of a window: wide ones cross page borders too often. */
  private static final int WIDEST = 512;

  /** The most windows of a block that have more than one access. */
  static final int MOST = 16;

  private static final int NO_ROOT = -1;
  private static final int CONSTANT_ROOT = -2;

  /** Accesses that one look answers for. */
  static final class Window {
    private long low;
    private long high;
    private int accesses;
    private boolean written;

    /**
     * The registers and segment that its address is made of, by the values that they began with.
     */
    private final Key key;

    /** Whether it may be looked up before the block's first instruction. */
    private final boolean early;

    /** Number of the place that keeps its host address, or -1 when nothing needs it. */
    private int slot = -1;

    private Window(Key key, boolean early) {
      this.key = key;
      this.early = early;
    }

    /** Bytes from its lowest to behind its highest. */
    int size() {
      return (int) (high - low);
    }

    /** Whether some access writes. */
    boolean written() {
      return written;
    }

    int slot() {
      return slot;
    }

    /** Number of the general register whose value at the block's beginning is its base. */
    int base() {
      return key.base;
    }

    /** Number of the register that is its index in the same way, or {@link CpuState#ZERO}. */
    int index() {
      return key.index == NO_ROOT ? CpuState.ZERO : key.index;
    }

    int scale() {
      return key.scale;
    }

    int segment() {
      return key.segment;
    }

    /** Distance of its lowest byte from what base and index give. */
    long low() {
      return low;
    }
  }

  /**
   * One access.
   *
   * @param distance where it begins in its window
   */
  private record Access(Window window, long distance) {}

  /** What makes two addresses comparable. */
  private record Key(int base, int index, int scale, int segment) {}

  private final Access[] operands;
  private final Access[] stack;

  private final int[] root = new int[16];
  private final long[] distance = new long[16];
  private final Map<Key, Window> open = new HashMap<>();
  private final int wordSize;
  private int roots;
  private int slots;

  /** Whether the ways out of the block so far are none. */
  private boolean straight = true;

  /** Whether something has closed all windows. */
  private boolean closed;

  private boolean loops;

  /** Registers that are not as they were when some instruction jumps back to the first one. */
  private int unsteady;

  private final List<Window> early = new ArrayList<>();

  /**
   * Finds the windows of a block.
   *
   * @param emitters null for each instruction that has no translation
   */
  Windows(TranslatedBlock block, Emitter[] emitters) {
    operands = new Access[block.code.length];
    stack = new Access[block.code.length];
    wordSize = (block.modeKey & ModeKey.CODE_64) != 0 ? 8 : 4;
    forgetAll();
    for (int n = 0; n < block.code.length; n++) {
      Instruction i = block.code[n];
      if (emitters[n] != null) {
        operand(i, n, block.start(n));
        stack(i, n);
        follow(i);
      } else {
        forgetAll();
        close();
      }
      if (block.jumpsBack(n)) {
        loops = true;
        unsteady |= changedRegisters();
      }
      straight &= !InstructionTranslator.isConditionalJump(i);
    }
    assignSlots();
  }

  private void close() {
    open.clear();
    closed = true;
  }

  /** Returns a bit for each register that is not what it was; all bits when windows were closed. */
  private int changedRegisters() {
    int bits = closed ? -1 : 0;
    for (int n = 0; n < 16; n++) {
      bits |= root[n] != n || distance[n] != 0 ? 1 << n : 0;
    }
    return bits;
  }

  /**
   * Returns the windows that are looked up before the first instruction, when the block jumps back
   * to it: they need not be looked up again then.
   */
  List<Window> early() {
    return early;
  }

  /** Returns the window of an instruction's memory operand, or null where it has none to share. */
  Window operand(int index) {
    return operands[index] == null ? null : operands[index].window;
  }

  /** Returns the window of what an instruction pushes or pops, or null. */
  Window stack(int index) {
    return stack[index] == null ? null : stack[index].window;
  }

  /** Returns where in its window an instruction's memory operand begins. */
  int operandAt(int index) {
    return (int) (operands[index].distance - operands[index].window.low);
  }

  /** Returns where in its window what an instruction pushes or pops begins. */
  int stackAt(int index) {
    return (int) (stack[index].distance - stack[index].window.low);
  }

  private void assignSlots() {
    for (int n = 0; n < operands.length; n++) {
      operands[n] = withSlot(operands[n]);
      stack[n] = withSlot(stack[n]);
    }
  }

  /** Gives a window that is worth it a place; others are no windows. */
  private Access withSlot(Access access) {
    if (access == null) {
      return null;
    }
    Window window = access.window;
    boolean inReach = (int) window.low == window.low;
    boolean inLoop = loops && window.early && inReach && isSteady(window);
    if (window.accesses < 2 && !inLoop) {
      return null;
    }
    if (window.slot < 0) {
      if (slots == MOST) {
        return null;
      }
      window.slot = slots++;
      if (inLoop) {
        early.add(window);
      }
    }
    return access;
  }

  /** Whether a window is the same whenever the block jumps back. */
  private boolean isSteady(Window window) {
    int used = 1 << window.base() | (window.index() < 16 ? 1 << window.index() : 0);
    return (unsteady & used) == 0;
  }

  // Accesses.

  private void operand(Instruction i, int n, long start) {
    boolean reads = i.memory && !i.opcode.is(Attribute.ADDRESS_ONLY) && !Copy.isBitString(i);
    if (!reads || i.addressSize != wordSize) {
      return;
    }
    boolean based = i.segment == CpuState.FS || i.segment == CpuState.GS;
    int segment = based ? i.segment : CpuState.FLAT;
    long offset = i.displacement;
    int base = CONSTANT_ROOT;
    if (i.base == CpuState.BLOCK_RIP) {
      offset += start;
    } else if (i.base != CpuState.ZERO) {
      base = root[i.base];
      offset += distance[i.base];
    }
    int index = NO_ROOT;
    if (i.index != CpuState.ZERO) {
      index = root[i.index];
      offset += distance[i.index] << i.scale;
    }
    Key key = new Key(base, index, index == NO_ROOT ? 0 : i.scale, segment);
    operands[n] = add(key, offset, Copy.memorySize(i), Copy.writesMemory(i));
  }

  private void stack(Instruction i, int n) {
    long change = stackChange(i);
    if (change != 0) {
      boolean pushes = change < 0;
      Key key = new Key(root[CpuState.RSP], NO_ROOT, 0, CpuState.FLAT);
      long at = distance[CpuState.RSP] + (pushes ? change : 0);
      stack[n] = add(key, at, i.size, pushes);
    }
  }

  private Access add(Key key, long given, int size, boolean write) {
    long at = wordSize == 8 ? given : (int) given;
    Window window = open.get(key);
    long low = window == null ? at : Math.min(window.low, at);
    long high = window == null ? at + size : Math.max(window.high, at + size);
    if (window == null || high - low > WIDEST || high - low < 0) {
      window = new Window(key, mayBeEarly(key));
      open.put(key, window);
      low = at;
      high = at + size;
    }
    window.low = low;
    window.high = high;
    window.written |= write;
    window.accesses++;
    return new Access(window, at);
  }

  /**
   * Whether an address can be worked out at the block's beginning, and will surely be accessed, or
   * is one of the stack.
   */
  private boolean mayBeEarly(Key key) {
    boolean known = key.base >= 0 && key.base < 16 && key.index < 16 && !closed;
    boolean stack = key.base == CpuState.RSP && key.index == NO_ROOT;
    return known && (straight || stack);
  }

  private static long stackChange(Instruction i) {
    return switch (i.opcode.mnemonic()) {
      case "PUSH", "CALL", "PUSHF" -> -i.size;
      case "POP", "RET", "POPF" -> i.size;
      default -> 0;
    };
  }

  // Registers.

  private void forget(int register) {
    root[register] = roots++;
    distance[register] = 0;
  }

  /** After an instruction that Java executes nothing is known. */
  private void forgetAll() {
    for (int n = 0; n < 16; n++) {
      forget(n);
    }
  }

  private void set(int register, int from, long further) {
    root[register] = root[from];
    distance[register] = distance[from] + further;
  }

  private void follow(Instruction i) {
    boolean whole = i.size == wordSize && i.destination >= 0 && i.destination < 16;
    boolean constant = i.source == CpuState.ZERO && i.opcode.operands().size() == 2;
    if (InstructionTranslator.loadsSelector(i)) {
      set(CpuState.RSP, CpuState.RSP, stackChange(i));
      close();
      return;
    }
    switch (i.opcode.mnemonic()) {
      case "PUSH", "CALL", "RET", "PUSHF", "POPF" ->
          set(CpuState.RSP, CpuState.RSP, stackChange(i));
      case "POP" -> {
        set(CpuState.RSP, CpuState.RSP, i.size);
        forget(i.destination);
      }
      case "LEAVE" -> {
        set(CpuState.RSP, CpuState.RBP, i.size);
        forget(CpuState.RBP);
      }
      case "ADD" -> followSum(i, whole && constant, i.immediate);
      case "SUB" -> followSum(i, whole && constant, -i.immediate);
      case "INC" -> followSum(i, whole, 1);
      case "DEC" -> followSum(i, whole, -1);
      case "STAC", "CLAC", "SWAPGS", "WRFSBASE", "WRGSBASE", "INVLPG" -> close();
      case "LEA" -> followAddress(i, whole && i.addressSize == wordSize);
      case "MOV" -> {
        if (whole && i.source >= 0 && i.source < 16 && onlyGeneral(i)) {
          set(i.destination, i.source, 0);
        } else {
          forgetWritten(i);
        }
      }
      default -> forgetWritten(i);
    }
  }

  private void followSum(Instruction i, boolean known, long further) {
    if (known) {
      set(i.destination, i.destination, further);
    } else {
      forgetWritten(i);
    }
  }

  private void followAddress(Instruction i, boolean whole) {
    boolean simple = i.index == CpuState.ZERO && i.base < 16;
    if (whole && simple) {
      set(i.destination, i.base, i.displacement);
    } else {
      forget(i.destination & 31);
    }
  }

  private static boolean onlyGeneral(Instruction i) {
    for (OperandType type : i.opcode.operands()) {
      if (type.kind() != Kind.GENERAL) {
        return false;
      }
    }
    return true;
  }

  private void forgetWritten(Instruction i) {
    int[] numbers = {i.destination, i.source, i.third};
    for (int n = 0; n < i.opcode.operands().size() && n < numbers.length; n++) {
      OperandType type = i.opcode.operands().get(n);
      boolean register = type.kind() == Kind.GENERAL && (numbers[n] & 31) < 16 && numbers[n] >= 0;
      if (register && Copy.isWritten(i.opcode, n)) {
        forget(numbers[n] & 31);
      }
    }
    for (int register : implied(i)) {
      forget(register);
    }
  }

  private static final int[] NONE = {};
  private static final int[] PRODUCT = {CpuState.RAX, CpuState.RDX};
  private static final int[] ACCUMULATOR = {CpuState.RAX};
  private static final int[] COUNTER = {CpuState.RCX};
  private static final int[] TIME = {CpuState.RAX, CpuState.RCX, CpuState.RDX};
  private static final int[] LOADED = {CpuState.RAX, CpuState.RSI};
  private static final int[] COMPARED = {CpuState.RSI, CpuState.RDI};
  private static final int[] MOVED = {CpuState.RCX, CpuState.RSI, CpuState.RDI};
  private static final int[] ALL = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

  /** Registers that an instruction writes without naming them. */
  private static int[] implied(Instruction i) {
    String mnemonic = i.opcode.mnemonic();
    return switch (mnemonic) {
      case "MUL", "DIV", "IDIV", "IMUL", "CMPXCHG8B", "CMPXCHG16B", "CWD", "RDTSC" -> PRODUCT;
      case "CBW", "LAHF", "CMPXCHG", "XLATB" -> ACCUMULATOR;
      case "RDTSCP" -> TIME;
      case "PCMPESTRI", "PCMPISTRI", "LOOP", "LOOPE", "LOOPNE" -> COUNTER;
      case "LODS", "LODSB" -> LOADED;
      case "SCAS", "SCASB", "CMPS", "CMPSB" -> COMPARED;
      case "MOVS", "MOVSB", "STOS", "STOSB" -> MOVED;
      default -> {
        boolean nothing =
            i.opcode.is(Attribute.SSE)
                || FloatingPoint.isFloating(i)
                || i.opcode.mnemonic().equals("RDFSBASE")
                || i.opcode.mnemonic().equals("RDGSBASE")
                || Copy.isGeneral(i.opcode)
                || InstructionTranslator.leavesRegisters(i);
        yield nothing ? NONE : ALL;
      }
    };
  }
}
