package sharevm.translator;

import static sharevm.translator.Registers.ADDRESS;
import static sharevm.translator.Registers.STACK;
import static sharevm.translator.Registers.TEMP;

import java.util.ArrayList;
import java.util.List;
import sharevm.cpu.CpuState;
import sharevm.cpu.decode.Instruction;
import sharevm.translator.Assembler.Code;
import sharevm.translator.Assembler.Place;
import sharevm.translator.ExitSite.Kind;

/**
 * Makes host code of one block of guest code.
 *
 * <p>Guest flags are at any point in the host's flags, in the {@link Context}, or dead. At the
 * borders of blocks they are in the context. The probe of the TLB destroys the host's flags, so
 * live ones are saved before it.
 */
final class BlockTranslator {
  private static final int ABOVE = 7;
  private static final int NOT_EQUAL = 5;
  private static final int SIGN = 8;
  private static final int EQUAL = 4;

  /** Where the guest's flags are; in the context they may be out of date when they are dead. */
  private enum FlagsIn {
    HOST,
    BOTH,
    CONTEXT
  }

  /** What is put behind the block because it is seldom executed. */
  @FunctionalInterface
  private interface Cold {
    void emit();
  }

  private final Assembler a;
  private final Stubs stubs;
  private final int origin;
  private final TranslatedBlock block;
  private final List<ExitSite> sites;
  private final boolean code64;
  private final int tlb;
  private final int[] liveAfter;
  private final List<Cold> cold = new ArrayList<>();
  private FlagsIn flags = FlagsIn.CONTEXT;
  private int current;
  private boolean ended;

  /**
   * Prepares a translation.
   *
   * @param origin where in the code cache the first byte will be
   * @param sites where exits are entered; their numbers are their indices
   * @param liveOut flags that are read behind the block
   */
  BlockTranslator(
      Assembler assembler,
      Stubs stubs,
      int origin,
      TranslatedBlock block,
      List<ExitSite> sites,
      int liveOut) {
    this.a = assembler;
    this.stubs = stubs;
    this.origin = origin;
    this.block = block;
    this.sites = sites;
    this.code64 = (block.modeKey & ModeKey.CODE_64) != 0;
    int number = (block.modeKey & ModeKey.TLB_MASK) >> ModeKey.TLB_SHIFT;
    this.tlb = Context.TLB + number * Context.TLB_SIZE - Context.BIAS;
    this.liveAfter = Liveness.after(block.code, liveOut);
  }

  /** Emits the whole block. */
  void translate() {
    a.clear();
    entry();
    for (current = 0; current < block.code.length && !ended; current++) {
      InstructionTranslator.emit(this, block.code[current]);
    }
    if (!ended) {
      goTo(block.rip + block.length);
    }
    for (int n = 0; n < cold.size(); n++) {
      cold.get(n).emit();
    }
  }

  Assembler assembler() {
    return a;
  }

  boolean code64() {
    return code64;
  }

  TranslatedBlock block() {
    return block;
  }

  /** Returns the RIP of the block's first instruction. */
  long rip() {
    return block.rip;
  }

  private void entry() {
    int most = block.code.length;
    a.memory(new Code(0, false, false, 0, 0, 0x83), 7, Context.at((int) CpuState.ATTENTION));
    a.byte1(0);
    exitIf(NOT_EQUAL, site(Kind.ENTRY, 0, 0, false));
    a.memory(new Code(0, false, true, 0, 0, 0x83), 5, Context.at(Context.BUDGET));
    a.byte1(most);
    int spent = a.jumpIf(SIGN);
    int number = site(Kind.ENTRY, 0, 0, false);
    cold.add(
        () -> {
          a.patchToHere(spent);
          a.memory(new Code(0, false, true, 0, 0, 0x83), 0, Context.at(Context.BUDGET));
          a.byte1(most);
          exit(number);
        });
    if (usesVectors()) {
      vectorsWanted();
    }
  }

  private boolean usesVectors() {
    for (Instruction i : block.code) {
      if (InstructionTranslator.isVector(i)) {
        return true;
      }
    }
    return false;
  }

  private void vectorsWanted() {
    a.memory(new Code(0, false, false, 0, 0, 0x80), 7, Context.at(Context.XMM_LIVE));
    a.byte1(0);
    int missing = a.jumpIf(EQUAL);
    int back = a.position();
    cold.add(
        () -> {
          a.patchToHere(missing);
          call(stubs.loadVectorsOffset());
          a.patch(a.jump(), back);
        });
  }

  // Exits.

  private int site(Kind kind, long target, int size, boolean write) {
    return site(kind, target, -1, size, write);
  }

  private int site(Kind kind, long target, int patch, int size, boolean write) {
    sites.add(new ExitSite(kind, block, current, target, patch, size, write));
    return sites.size() - 1;
  }

  private void exitIf(int condition, int number) {
    int jump = a.jumpIf(condition);
    cold.add(
        () -> {
          a.patchToHere(jump);
          exit(number);
        });
  }

  private void exit(int number) {
    a.constant(TEMP, number);
    toStub(a.jump(), stubs.exitOffset());
  }

  private void toStub(int jumpEnd, int offset) {
    a.patch(jumpEnd, offset - origin);
  }

  private void call(int offset) {
    a.byte1(0xe8);
    a.byte4(0);
    toStub(a.position(), offset);
  }

  /** Leaves the block before the present instruction, which Java executes. */
  void leaveToJava() {
    saveFlags(liveBefore());
    exit(site(Kind.INSTRUCTION, 0, 0, false));
    ended = true;
  }

  /** Ends the block with a jump to a known place. */
  void goTo(long target) {
    saveFlags(liveOut());
    jumpTo(a.jump(), target);
    ended = true;
  }

  /** Ends the block with a conditional jump, and a jump to what follows. */
  void branch(int condition, long target, long otherwise) {
    restoreFlags();
    saveFlags(liveOut());
    jumpTo(a.jumpIf(condition), target);
    goTo(otherwise);
  }

  /** Ends the block with a jump to the RIP in the address register. */
  void goToAddress() {
    saveLiveOut();
    toStub(a.jump(), stubs.lookupOffset());
    ended = true;
  }

  /** Saves what is read behind the block, when a jump's target is not known. */
  void saveLiveOut() {
    saveFlags(liveOut());
  }

  /** Lets a jump lead to an exit until it is chained, or, over a page border, to the lookup. */
  private void jumpTo(int jumpEnd, long target) {
    boolean samePage = (target ^ block.rip) >>> 12 == 0;
    int number = samePage ? site(Kind.CHAIN, target, origin + jumpEnd, 0, false) : -1;
    cold.add(
        () -> {
          a.patchToHere(jumpEnd);
          if (samePage) {
            exit(number);
          } else {
            a.constant(ADDRESS, target);
            toStub(a.jump(), stubs.lookupOffset());
          }
        });
  }

  private int liveOut() {
    return liveAfter[block.code.length - 1];
  }

  // Flags.

  /** Returns the flags that are read behind the present instruction. */
  int liveAfter() {
    return liveAfter[current];
  }

  /** Says that the present instruction has left the guest's flags in the host's. */
  void flagsWritten() {
    flags = FlagsIn.HOST;
  }

  /** Puts flags that are wanted later into the context before something destroys the host's. */
  void saveFlags(int live) {
    if (flags == FlagsIn.HOST && live != 0) {
      a.move(TEMP, Assembler.RAX);
      a.byte1(0x9f);
      a.registers(new Code(0, false, false, Code.BYTE_RM, 1, 0x90), 0, Assembler.RAX);
      a.memory(new Code(0x66, false, false, 0, 0, 0x89), Assembler.RAX, Context.at(Context.FLAGS));
      a.move(Assembler.RAX, TEMP);
      flags = FlagsIn.BOTH;
    }
  }

  /** Brings the guest's flags into the host's. */
  void restoreFlags() {
    if (flags == FlagsIn.CONTEXT) {
      a.move(TEMP, Assembler.RAX);
      a.memory(new Code(0x66, false, false, 0, 0, 0x8b), Assembler.RAX, Context.at(Context.FLAGS));
      a.byte1(0x04);
      a.byte1(0x7f);
      a.byte1(0x9e);
      a.move(Assembler.RAX, TEMP);
      flags = FlagsIn.BOTH;
    }
  }

  private int liveBefore() {
    return Liveness.before(block.code[current], liveAfter[current]);
  }

  // Memory.

  /**
   * Emits the linear address of the present instruction's memory operand into the address register.
   */
  void address(Instruction i) {
    offset(i, ADDRESS);
    if (i.segment == CpuState.FS || i.segment == CpuState.GS) {
      int base = i.segment == CpuState.FS ? Context.FS_BASE : Context.GS_BASE;
      a.memory(code64 ? Code.wide(0x03) : Code.of(0x03), ADDRESS, Context.at(base));
    }
  }

  /** Emits the offset of the memory operand into a register; uses both scratch registers. */
  void offset(Instruction i, int into) {
    if (i.base == CpuState.BLOCK_RIP || i.base == CpuState.ZERO && i.index == CpuState.ZERO) {
      long start = i.base == CpuState.BLOCK_RIP ? block.rip : 0;
      a.constant(into, start + i.displacement & i.addressMask);
      return;
    }
    int base = addressRegister(i.base, ADDRESS);
    int index = addressRegister(i.index, TEMP);
    Place place = new Place(base, index, i.scale, (int) i.displacement, false);
    if (i.addressSize == 4) {
      a.lea32(into, place);
    } else {
      a.lea(into, place);
    }
  }

  private int addressRegister(int guest, int scratch) {
    if (guest == CpuState.ZERO) {
      return Assembler.NONE;
    }
    if (Registers.mapped(guest)) {
      return Registers.host(guest);
    }
    a.load(scratch, Context.register(guest));
    return scratch;
  }

  /**
   * Emits how a linear address gets into the address register; done again when the TLB has missed.
   */
  @FunctionalInterface
  interface Addressing {
    void emit();
  }

  /** Turns the memory operand into a host address in the address register, or leaves the block. */
  void probe(Instruction i, int size, boolean write, boolean aligned) {
    probe(() -> address(i), size, write, aligned);
  }

  /** Does the same for an address that is worked out otherwise. */
  void probe(Addressing addressing, int size, boolean write, boolean aligned) {
    freeFlags();
    int start = a.position();
    addressing.emit();
    a.registers(Code.of(0x89), ADDRESS, TEMP);
    a.registers(Code.of(0xc1), 5, TEMP);
    a.byte1(12 - Context.TLB_ENTRY_SHIFT);
    a.arithmetic(false, 4, TEMP, (1 << Context.TLB_BITS) - 1 << Context.TLB_ENTRY_SHIFT);
    int tag = tlb + (write ? Context.TLB_WRITE : Context.TLB_READ);
    a.memory(Code.wide(0x2b), ADDRESS, new Place(Assembler.R15, TEMP, 0, tag, false));
    a.arithmetic(true, 7, ADDRESS, 4096 - size);
    int missed = a.jumpIf(ABOVE);
    int number = site(Kind.MISS, 0, size, write);
    cold.add(
        () -> {
          a.patchToHere(missed);
          addressing.emit();
          a.constant(TEMP, number);
          call(stubs.missOffset());
          a.patch(a.jump(), start);
        });
    if (aligned) {
      a.registers(new Code(0, false, false, Code.BYTE_RM, 0, 0xf6), 0, ADDRESS);
      a.byte1(15);
      exitIf(NOT_EQUAL, site(Kind.INSTRUCTION, 0, 0, false));
    }
    int host = tlb + Context.TLB_HOST;
    a.memory(Code.wide(0x03), ADDRESS, new Place(Assembler.R15, TEMP, 0, host, false));
  }

  /**
   * Leaves to Java under a condition, with the flags that are live before the present instruction
   * saved already.
   */
  void leaveToJavaIf(int condition) {
    exitIf(condition, site(Kind.INSTRUCTION, 0, 0, false));
  }

  /** Makes a condition of our own possible: saves the guest's flags as far as they are wanted. */
  void freeFlags() {
    saveFlags(liveBefore());
    flags = FlagsIn.CONTEXT;
  }

  // The stack.

  /** Turns the stack pointer plus a distance into a host address. */
  void probeStack(int distance, int size, boolean write) {
    Place place = Place.at(STACK, distance);
    probe(
        () -> {
          if (code64) {
            a.lea(ADDRESS, place);
          } else {
            a.lea32(ADDRESS, place);
          }
        },
        size,
        write,
        false);
  }

  /** Adds to the stack pointer, without touching flags. */
  void moveStack(int distance) {
    if (code64) {
      a.lea(STACK, Place.at(STACK, distance));
    } else {
      a.lea32(STACK, Place.at(STACK, distance));
    }
  }
}
