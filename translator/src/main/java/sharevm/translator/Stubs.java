package sharevm.translator;

import static sharevm.translator.Assembler.EQUAL;
import static sharevm.translator.Assembler.NOT_EQUAL;
import static sharevm.translator.Assembler.R12;
import static sharevm.translator.Assembler.R13;
import static sharevm.translator.Assembler.R14;
import static sharevm.translator.Assembler.R15;
import static sharevm.translator.Assembler.RAX;
import static sharevm.translator.Assembler.RBP;
import static sharevm.translator.Assembler.RBX;
import static sharevm.translator.Assembler.RDI;
import static sharevm.translator.Assembler.RDX;
import static sharevm.translator.Assembler.RSI;
import static sharevm.translator.Assembler.RSP;

import sharevm.cpu.CpuState;
import sharevm.translator.Assembler.Code;
import sharevm.translator.Assembler.Place;
import sharevm.translator.Tuning.Means;

/**
 * The pieces of machine code that all blocks share, at the start of the code cache: in, out, and
 * the moves of the vector registers.
 */
final class Stubs {
  /** Sites that belong to no block: see {@link ExitSite}. */
  static final int LOOKUP_SITE = 0;

  private static final int[] CALLEE_SAVED = {RBX, RBP, R12, R13, R14, R15};

  private final Assembler a = new Assembler();
  private final Tuning tuning;
  private final int enter;
  private final int exit;
  private final int lookupMiss;
  private final int segmentedLookupMiss;
  private final int[] miss = new int[2 * ContextAccess.TLBS];
  private final int mirror;
  private final int callJava;
  private final int refill;
  private final int loadVectors;
  private final int loadX87;
  private final int timestamp;

  /**
   * Makes them.
   *
   * @param tuning what to do without
   */
  Stubs(Tuning tuning) {
    this.tuning = tuning;
    enter = enter();
    exit = exit();
    lookupMiss = lookupMiss();
    segmentedLookupMiss = segmentedLookupMiss();
    for (int n = 0; n < miss.length; n++) {
      miss[n] = WalkStub.emit(a, n >> 1, (n & 1) != 0, exit);
    }
    mirror = MirrorStub.emit(a, exit);
    callJava = callJava();
    refill = refill();
    loadVectors = loadVectors();
    loadX87 = loadX87();
    timestamp = TimestampCounter.emitStub(a, loads -> moveVectors(loads ? 0x10 : 0x11));
  }

  byte[] bytes() {
    return a.bytes();
  }

  /**
   * Called from Java with the context (biased) and the address to go to; a nonzero XMM_LIVE loads
   * vectors first.
   */
  int enterOffset() {
    return enter;
  }

  /** Jumped to with an exit site's number in R14. */
  int exitOffset() {
    return exit;
  }

  /**
   * Jumped to with what the jump cache of a mode does not have in R13: a RIP, below the base of CS
   * where segments count; and the distance of that cache from the start of the context in R14.
   */
  int lookupMissOffset(int modeKey) {
    return ModeKey.isFlat(modeKey) ? lookupMiss : segmentedLookupMiss;
  }

  /** Called when an access misses a TLB: see {@link WalkStub}; returns when it has the page. */
  int missOffset(int tlb, boolean write) {
    return miss[tlb << 1 | (write ? 1 : 0)];
  }

  /** Called when a load wants its page in a mirror: see {@link MirrorStub}. */
  int mirrorOffset() {
    return mirror;
  }

  /** Called with an exit site's number in R14; returns when Java says so. */
  int callJavaOffset() {
    return callJava;
  }

  /** Called to bring the guest's XMM registers and MXCSR into the host's. */
  int loadVectorsOffset() {
    return loadVectors;
  }

  /** Called to bring the guest's x87 registers into the host's. */
  int loadX87Offset() {
    return loadX87;
  }

  /** Called to read the timestamp counter into EDX and EAX: see {@link TimestampCounter}. */
  int timestampOffset() {
    return timestamp;
  }

  /**
   * Called when the slice of the budget is spent; clears ZF when there is more of it, and sets ZF
   * when Java is wanted. Uses both scratch registers.
   */
  int refillOffset() {
    return refill;
  }

  private int enter() {
    int start = a.position();
    for (int register : CALLEE_SAVED) {
      push(register);
    }
    a.arithmetic(true, 5, RSP, 8);
    a.move(R15, RDI);
    a.store(Context.at(Context.HOST_RSP), RSP);
    a.move(R14, RSI);
    ifLive(
        a,
        Context.XMM_LIVE,
        () -> {
          moveVectors(0x10);
          a.memory(Code.of0f(0xae), 2, Context.at((int) CpuState.MXCSR));
        });
    ifLive(a, Context.X87_LIVE, () -> FloatingPoint.emitLoad(a));
    for (int guest = 0; guest < Registers.MAPPED; guest++) {
      a.load(Registers.host(guest), Context.register(guest));
    }
    a.registers(Code.of(0xff), 4, R14);
    return start;
  }

  private int exit() {
    int start = a.position();
    for (int guest = 0; guest < Registers.MAPPED; guest++) {
      a.store(Context.register(guest), Registers.host(guest));
    }
    ifLive(a, Context.X87_LIVE, () -> FloatingPoint.emitSave(a));
    a.move(RAX, R14);
    ifLive(
        a,
        Context.XMM_LIVE,
        () -> {
          moveVectors(0x11);
          a.memory(Code.of0f(0xae), 3, Context.at((int) CpuState.MXCSR));
          a.memory(Code.of0f(0xae), 2, Context.at(Context.HOST_MXCSR));
        });
    a.load(RSP, Context.at(Context.HOST_RSP));
    a.arithmetic(true, 0, RSP, 8);
    for (int i = CALLEE_SAVED.length - 1; i >= 0; i--) {
      pop(CALLEE_SAVED[i]);
    }
    a.byte1(0xc3);
    return start;
  }

  private int lookupMiss() {
    int start = a.position();
    if (tuning.has(Means.JUMPS)) {
      JumpCache.emitLook(a);
    }
    lookUpInJava();
    return start;
  }

  private int segmentedLookupMiss() {
    int start = a.position();
    a.registers(Code.of(0x89), R13, R13);
    lookUpInJava();
    return start;
  }

  private void lookUpInJava() {
    a.store(Context.at(Context.RIP), R13);
    a.constant(R14, LOOKUP_SITE);
    a.patch(a.jump(), exit);
  }

  private int callJava() {
    int start = a.position();
    pop(R13);
    a.store(Context.at(Context.MISS_RETURN), R13);
    a.patch(a.jump(), exit);
    return start;
  }

  private int refill() {
    int start = a.position();
    a.memory(Code.of(0x83), 7, Context.at((int) CpuState.ATTENTION));
    a.byte1(0);
    int wanted = a.jumpIf(NOT_EQUAL);
    a.load(R13, Context.at(Context.BUDGET_REST));
    a.registers(Code.wide(0x85), R13, R13);
    int spent = a.jumpIf(EQUAL);
    a.constant(R14, tuning.slice());
    a.registers(Code.wide(0x39), R14, R13);
    a.registers(new Code(0, false, true, 0, 1, 0x47), R13, R14);
    a.memory(Code.wide(0x29), R13, Context.at(Context.BUDGET_REST));
    a.memory(Code.wide(0x01), R13, Context.at(Context.BUDGET));
    a.patchToHere(spent);
    a.byte1(0xc3);
    a.patchToHere(wanted);
    a.registers(Code.of(0x39), R13, R13);
    a.byte1(0xc3);
    return start;
  }

  private int loadVectors() {
    int start = a.position();
    moveVectors(0x10);
    a.memory(Code.of0f(0xae), 2, Context.at((int) CpuState.MXCSR));
    a.memory(new Code(0, false, false, 0, 0, 0xc6), 0, Context.at(Context.XMM_LIVE));
    a.byte1(1);
    a.byte1(0xc3);
    return start;
  }

  private int loadX87() {
    int start = a.position();
    a.store(Context.at(Context.SCRATCH), RAX);
    a.store(Context.at(Context.SCRATCH + 8), RDX);
    FloatingPoint.emitLoad(a);
    a.load(RAX, Context.at(Context.SCRATCH));
    a.load(RDX, Context.at(Context.SCRATCH + 8));
    a.memory(Code.of(0xc7), 0, Context.at(Context.X87_LAST));
    a.byte4(0);
    a.memory(Code.of(0xc7), 0, Context.at(Context.X87_LAST_DATA));
    a.byte4(0);
    a.memory(new Code(0, false, false, 0, 0, 0xc6), 0, Context.at(Context.X87_LIVE));
    a.byte1(1);
    a.byte1(0xc3);
    return start;
  }

  /**
   * Emits code that is executed when registers of the guest's are in the host's.
   *
   * @param live where the context says so of them
   */
  static void ifLive(Assembler a, int live, Runnable code) {
    a.compareByteWithZero(Context.at(live));
    int none = a.jumpIf(EQUAL);
    code.run();
    a.patchToHere(none);
  }

  /** MOVUPS of all sixteen: 10 loads, 11 stores. */
  private void moveVectors(int opcode) {
    for (int n = 0; n < 16; n++) {
      a.memory(Code.of0f(opcode), n, Context.at((int) CpuState.XMM + 16 * n));
    }
  }

  /**
   * Emits a jump to what the jump cache has for a known RIP; what is emitted next is executed when
   * it has nothing, with what {@link #lookupMissOffset} wants to be told.
   *
   * @param jumps distance of the mode's jump cache from the start of the context
   */
  static void jumpThroughCache(Assembler a, int modeKey, int jumps, long target) {
    boolean flat = ModeKey.isFlat(modeKey);
    int bits = flat ? Context.JUMP_BITS : Context.SEGMENTED_JUMP_BITS;
    int slot = jumps - Context.BIAS + 16 * Context.jumpNumber(target, bits);
    a.constant(R13, target);
    if (!flat) {
      a.memory(Code.wide(0x03), R13, Context.at(Context.CODE_SPACE));
    }
    a.memory(Code.wide(0x3b), R13, Place.at(R15, slot));
    int missed = a.jumpIf(NOT_EQUAL);
    a.memory(Code.of(0xff), 4, Place.at(R15, slot + 8));
    a.patchToHere(missed);
    a.constant(R14, jumps);
  }

  private void push(int register) {
    a.inOpcode(Code.of(0x50), register);
  }

  private void pop(int register) {
    a.inOpcode(Code.of(0x58), register);
  }
}
