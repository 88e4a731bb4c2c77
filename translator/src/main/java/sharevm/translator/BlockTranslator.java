package sharevm.translator;

import static sharevm.translator.Assembler.ABOVE;
import static sharevm.translator.Assembler.BELOW;
import static sharevm.translator.Assembler.EQUAL;
import static sharevm.translator.Assembler.NOT_EQUAL;
import static sharevm.translator.Registers.ADDRESS;
import static sharevm.translator.Registers.TEMP;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntUnaryOperator;
import java.util.function.Predicate;
import sharevm.cpu.Flags;
import sharevm.cpu.decode.Instruction;
import sharevm.translator.Assembler.Code;
import sharevm.translator.Assembler.Place;
import sharevm.translator.ExitSite.Kind;
import sharevm.translator.InstructionTranslator.Emitter;
import sharevm.translator.Tuning.Means;

/**
 * Makes host code of one block of guest code.
 *
 * <p>At the borders of blocks the guest's flags are in the context. The probe of the TLB destroys
 * the host's flags, so live ones are saved before it.
 */
final class BlockTranslator {
  /**
   * What is put behind the block because it is seldom executed.
   *
   * @param index the instruction that it belongs to
   * @param modeKey the mode there
   */
  private record Cold(int index, int modeKey, Runnable code) {}

  /** Tells which flags are live at the beginning of what may follow a block. */
  @FunctionalInterface
  interface Successors {
    /** Returns the flags that are read at a RIP before they are written, as far as is known. */
    int liveAt(TranslatedBlock block, long rip);
  }

  private final Assembler a;
  private final Stubs stubs;
  private final int origin;
  private final TranslatedBlock block;
  private final ExitSites sites;
  private final boolean code64;
  private int modeKey;
  private final IntUnaryOperator jumps;
  private final Successors successors;
  private final Map<Long, Integer> knownLive = new HashMap<>();

  /** What emits each instruction; null for one that is left to Java. */
  private final Emitter[] emitters;

  private final int[] liveAfter;
  private final Probes memory;
  private final boolean keepsAllFlags;
  private final Tuning tuning;

  /** Loads that may go through mirrors. */
  private final LoadChains chains;

  /** For each instruction where its host code begins, or -1. */
  private final int[] hostStarts;

  private int coldStart;
  private final List<Cold> cold = new ArrayList<>();

  private final GuestFlags flags;
  private int current;
  private boolean ended;

  /** Where the first instruction begins, behind all that is done once. */
  private int again;

  /**
   * Prepares a translation.
   *
   * @param origin where in the code cache the first byte will be
   * @param sites where exits are entered; their numbers are their indices
   * @param jumps tells the distance of a mode's jump cache from the start of the context
   * @param tuning what to do without
   */
  BlockTranslator(
      Assembler assembler,
      Stubs stubs,
      int origin,
      TranslatedBlock block,
      ExitSites sites,
      IntUnaryOperator jumps,
      Successors successors,
      Tuning tuning) {
    this.a = assembler;
    this.flags = new GuestFlags(assembler);
    this.stubs = stubs;
    this.origin = origin;
    this.block = block;
    this.sites = sites;
    this.code64 = (block.modeKey & ModeKey.CODE_64) != 0;
    this.modeKey = block.modeKey;
    this.jumps = jumps;
    this.successors = successors;
    this.tuning = tuning;
    this.keepsAllFlags = !tuning.has(Means.LIVENESS);
    this.emitters = InstructionTranslator.emitters(block.code, modeKey);
    this.liveAfter = liveness();
    this.hostStarts = new int[block.code.length];
    boolean loops = !block.plain && tuning.has(Means.MIRRORS) && block.loops();
    boolean user = ModeKey.isUser(modeKey);
    this.chains = loops && user ? LoadChains.of(block.code) : LoadChains.none();
    boolean windows = !block.plain && tuning.has(Means.WINDOWS) && !isSegmented();
    this.memory = new Probes(this, windows ? new Windows(block, emitters) : null);
  }

  private int[] liveness() {
    if (keepsAllFlags) {
      int[] all = new int[block.code.length];
      Arrays.fill(all, Flags.STATUS);
      return all;
    }
    return Liveness.after(block, emitters, this::liveAt);
  }

  private int liveAt(long rip) {
    return keepsAllFlags
        ? Flags.STATUS
        : knownLive.computeIfAbsent(rip, at -> successors.liveAt(block, at));
  }

  /** Emits the whole block. */
  void translate() {
    a.clear();
    entry();
    Arrays.fill(hostStarts, -1);
    for (current = 0; current < block.code.length && !ended; current++) {
      hostStarts[current] = a.position();
      if (emitters[current] == null) {
        leaveToJava();
      } else {
        emitters[current].emit(this, block.code[current]);
      }
    }
    if (!ended) {
      current--;
      goTo(block.ripBehind(current));
    }
    coldStart = a.position();
    for (int n = 0; n < cold.size(); n++) {
      current = cold.get(n).index();
      modeKey = cold.get(n).modeKey();
      cold.get(n).code().run();
    }
  }

  /** Returns what has been translated, for people. */
  Translation translation(byte[] code, long address) {
    return new Translation(block, code, address, hostStarts, coldStart);
  }

  /** Puts code behind the block. */
  void later(Runnable code) {
    cold.add(new Cold(current, modeKey, code));
  }

  Assembler assembler() {
    return a;
  }

  boolean code64() {
    return code64;
  }

  boolean has(Means means) {
    return tuning.has(means);
  }

  TranslatedBlock block() {
    return block;
  }

  /** Returns the number of the present instruction. */
  int index() {
    return current;
  }

  /** Returns the way to memory. */
  Probes memory() {
    return memory;
  }

  /** Returns the mode at the present instruction. */
  int modeKey() {
    return modeKey;
  }

  /** Says that what follows is in another mode. */
  void changeMode(int newKey) {
    modeKey = newKey;
  }

  /** Whether nothing follows the present instruction in the block. */
  boolean isLast() {
    return current + 1 == block.code.length;
  }

  /** Returns the RIP that the present instruction's offset is counted from. */
  long start() {
    return block.start(current);
  }

  private void entry() {
    int most = block.code.length;
    int start = a.position();
    int spent = Budget.charge(a, most);
    int number = site(Kind.ENTRY, 0, 0, false);
    later(
        () -> {
          a.patchToHere(spent);
          block.spent = origin + a.position();
          Budget.giveBack(a, most);
          refill(start);
          block.exit = origin + a.position();
          exit(number);
        });
    if (isSegmented()) {
      leaveUnlessInCode();
    }
    registersWanted();
    memory.openEarly();
    again = a.position();
  }

  /** Whether segments have bases and limits that count. */
  boolean isSegmented() {
    return !ModeKey.isFlat(modeKey);
  }

  /**
   * Leaves to Java unless the code segment reaches to all that the block is made of or jumps to.
   */
  private void leaveUnlessInCode() {
    long last = 0;
    for (int n = 0; n < block.code.length; n++) {
      Instruction i = block.code[n];
      boolean jumps = InstructionTranslator.isConditionalJump(i);
      boolean leads = jumps || InstructionTranslator.isDirectJump(i);
      last = Math.max(last, block.ripBehind(n) - 1);
      last = leads ? Math.max(last, Trace.target(i, block.start(n))) : last;
    }
    a.memory(Code.of(0x81), 7, Context.at(Context.CODE_LIMIT));
    a.byte4((int) last);
    leaveToJavaIf(BELOW);
  }

  /** Sees to it that registers which Java leaves to code to load are there. */
  private void registersWanted() {
    if (uses(InstructionTranslator::isVector)) {
      wanted(Context.XMM_LIVE, stubs.loadVectorsOffset());
    }
    if ((block.modeKey & ModeKey.X87) != 0 && uses(FloatingPoint::isFloating)) {
      wanted(Context.X87_LIVE, stubs.loadX87Offset());
    }
  }

  private boolean uses(Predicate<Instruction> kind) {
    for (Instruction i : block.code) {
      if (kind.test(i)) {
        return true;
      }
    }
    return false;
  }

  private void wanted(int live, int loadOffset) {
    a.compareByteWithZero(Context.at(live));
    int missing = a.jumpIf(EQUAL);
    int back = a.position();
    later(
        () -> {
          a.patchToHere(missing);
          call(loadOffset);
          a.patch(a.jump(), back);
        });
  }

  // Exits.

  int site(Kind kind, long target, int size, boolean write) {
    return site(kind, target, -1, size, write);
  }

  private int site(Kind kind, long target, int patch, int size, boolean write) {
    sites.add(new ExitSite(kind, block, modeKey, current, target, patch, size, write));
    return sites.size() - 1;
  }

  private void exitIf(int condition, int number) {
    int jump = a.jumpIf(condition);
    later(
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

  /** Leaves the block before the present instruction, which Java executes, perhaps to come back. */
  void leaveToJava() {
    if (!isLast() && InstructionTranslator.resumes(block.code[current])) {
      callJava();
      return;
    }
    saveFlags(liveBefore());
    exit(site(Kind.INSTRUCTION, 0, 0, false));
    ended = true;
  }

  private void callJava() {
    freeFlags();
    a.constant(TEMP, site(Kind.CALL, 0, 0, false));
    call(stubs.callJavaOffset());
    registersWanted();
    memory.closeWindows();
  }

  /** Goes on at a known place: behind the block, or with its next instruction. */
  void goTo(long target) {
    if (current + 1 < block.code.length) {
      return;
    }
    leaveFor(target, -1);
    ended = true;
  }

  /** Goes on behind the present instruction in another mode, with the flags in the context. */
  void leaveInMode(int otherKey) {
    int key = modeKey;
    int undone = block.code.length - 1 - current;
    modeKey = otherKey;
    Budget.giveBack(a, undone);
    jumpTo(a.jump(), block.ripBehind(current), undone);
    modeKey = key;
  }

  /** Jumps on a condition of the guest's flags to a known place; goes on elsewhere otherwise. */
  void branch(int condition, long target, long otherwise) {
    restoreFlags();
    branchOn(condition, target, otherwise);
  }

  /** Does the same on a condition of the host's flags. */
  void branchOn(int condition, long target, long otherwise) {
    boolean last = current + 1 == block.code.length;
    if (last) {
      leaveFor(target, condition);
      leaveFor(otherwise, -1);
      ended = true;
    } else if (block.followed(current)) {
      leaveFor(otherwise, condition ^ 1);
    } else {
      leaveFor(target, condition);
    }
  }

  /**
   * Leaves the block for a known place, under a condition or always. What must be done before is
   * put aside when there is a condition.
   *
   * @param condition as in Jcc, or -1
   */
  private void leaveFor(long target, int condition) {
    boolean back = target == block.rip && modeKey == block.modeKey && !block.plain;
    if (back) {
      jumpBack(condition);
      return;
    }
    int undone = block.code.length - 1 - current;
    boolean saves = flags.areUnsaved() && liveAt(target) != 0;
    if (condition < 0) {
      saveFlags(liveAt(target));
      jumpTo(a.jump(), target);
    } else if (!saves && undone == 0) {
      jumpTo(a.jumpIf(condition), target);
    } else {
      laterIf(
          condition,
          () -> {
            saveFlags(liveAt(target));
            Budget.giveBack(a, undone);
            jumpTo(a.jump(), target, undone);
          });
    }
  }

  /** Does something under a condition, away from what is usual, with the flags as they are here. */
  void laterIf(int condition, Runnable code) {
    int jump = a.jumpIf(condition);
    GuestFlags.Where here = flags.where();
    later(
        () -> {
          a.patchToHere(jump);
          flags.are(here);
          code.run();
        });
  }

  /**
   * Jumps to the first instruction, under a condition or always, past what was done once. The
   * budget has been charged for the whole block, and now is for what has been executed of it.
   */
  private void jumpBack(int condition) {
    int done = current + 1;
    int most = block.code.length;
    if (condition < 0) {
      saveFlags(liveAt(block.rip));
      backEdge(done, most);
      return;
    }
    Runnable back =
        () -> {
          saveFlags(liveAt(block.rip));
          backEdge(done, most);
        };
    if (memory.handsOnAsKnown()) {
      hereIf(condition, back);
    } else {
      laterIf(condition, back);
    }
  }

  /** Does something under a condition, in the way, and leads elsewhere. */
  private void hereIf(int condition, Runnable code) {
    int otherwise = a.jumpIf(condition ^ 1);
    GuestFlags.Where here = flags.where();
    boolean touched = a.addressTouched();
    code.run();
    flags.are(here);
    if (!touched) {
      a.addressKept();
    }
    a.patchToHere(otherwise);
  }

  private void backEdge(int done, int most) {
    int start = a.position();
    int spent = Budget.charge(a, done);
    memory.handOn();
    a.patch(a.jump(), again);
    int number = site(Kind.ENTRY, 0, 0, false);
    later(
        () -> {
          a.patchToHere(spent);
          Budget.giveBack(a, done);
          refill(start);
          Budget.giveBack(a, most - done);
          exit(number);
        });
  }

  /** Jumps somewhere when there is more of the budget and no attention is wanted. */
  private void refill(int start) {
    call(stubs.refillOffset());
    a.patch(a.jumpIf(NOT_EQUAL), start);
  }

  /**
   * Whether the present instruction's load may go through a mirror: in user code, where the host
   * would wait for one load to know where the next one is.
   */
  boolean mirrors() {
    return chains.hasAddress(current) && block.mayMirror(current);
  }

  /** Whether the base register of such a load is known later than its index register. */
  boolean endsWithBase() {
    return chains.endsWithBase(current);
  }

  /** Returns an exit site for a load through a mirror that begins here. */
  int mirrorSite() {
    return site(Kind.MIRROR, 0, origin + a.position(), 0, false);
  }

  /**
   * Calls for the page of a load to get into a mirror; the scratch register has the number of its
   * TLB entry.
   *
   * @param number of the exit site
   * @param plain where the load would begin without mirrors
   */
  void callMirror(int number, int plain) {
    a.memory(Code.of(0xc7), 0, Context.at(Context.MIRROR_SITE));
    a.byte4(number);
    call(stubs.mirrorOffset());
    sites.aim(number, (long) (origin + a.position()) << 32 | origin + plain);
  }

  /** Calls the walk of page tables with what it wants in both scratch registers. */
  void callMiss(int tlb, boolean write) {
    call(stubs.missOffset(tlb, write));
  }

  /** Calls what reads the timestamp counter into EDX and EAX. */
  void callTimestamp() {
    call(stubs.timestampOffset());
  }

  /** Leaves for a translation of the rest, this instruction first, that has no windows. */
  void leaveForPlainRest() {
    Budget.giveBack(a, block.code.length - current);
    int jump = a.jump();
    a.patchToHere(jump);
    exit(site(Kind.PLAIN, 0, origin + jump, 0, false));
  }

  /** What is done once it is known that a jump leads somewhere. */
  @FunctionalInterface
  interface Commit {
    void emit();
  }

  /**
   * Ends the block with a jump to the RIP in the address register.
   *
   * @param commit emits the rest of the instruction; may use the scratch register alone, and no
   *     flags
   */
  void goToAddressAfter(Commit commit) {
    goToAddress(true, true, commit);
  }

  /** Ends the block with a jump to the RIP in the address register. */
  void goToAddress() {
    goToAddress(true, false, () -> {});
  }

  /** Ends the block with a jump to the RIP in the address register, which is canonical. */
  void goToCanonicalAddress() {
    goToAddress(false, false, () -> {});
  }

  private void goToAddress(boolean checks, boolean commits, Commit commit) {
    saveFlags(liveOut());
    int bits = isSegmented() ? Context.SEGMENTED_JUMP_BITS : Context.JUMP_BITS;
    if (isSegmented()) {
      addressInCode(checks);
    }
    a.registers(Code.of(0x89), ADDRESS, TEMP);
    a.registers(Code.of(0xc1), 5, TEMP);
    a.byte1(bits);
    a.registers(Code.of(0x31), ADDRESS, TEMP);
    a.arithmetic(false, 4, TEMP, (1 << bits) - 1);
    a.registers(Code.of(0x01), TEMP, TEMP);
    a.memory(Code.wide(0x3b), ADDRESS, jumpEntry(0));
    int missed = a.jumpIf(NOT_EQUAL);
    if (!commits) {
      a.memory(Code.of(0xff), 4, jumpEntry(8));
    } else {
      a.memory(Code.wide(0x8b), ADDRESS, jumpEntry(8));
      commit.emit();
      a.registers(Code.of(0xff), 4, ADDRESS);
    }
    later(
        () -> {
          a.patchToHere(missed);
          if (checks && code64) {
            leaveUnlessCanonical(ADDRESS);
          }
          commit.emit();
          a.constant(TEMP, jumps.applyAsInt(modeKey));
          toStub(a.jump(), stubs.lookupMissOffset(modeKey));
        });
    ended = true;
  }

  /**
   * Adds the base of CS to the RIP in the address register, which may have to be in the segment.
   */
  private void addressInCode(boolean checks) {
    if (checks) {
      a.memory(Code.of(0x3b), ADDRESS, Context.at(Context.CODE_LIMIT));
      leaveToJavaIf(ABOVE);
    }
    a.memory(Code.wide(0x03), ADDRESS, Context.at(Context.CODE_SPACE));
  }

  /**
   * Returns a word of the entry of the jump cache whose doubled number is in the scratch register.
   */
  private Place jumpEntry(int word) {
    return new Place(
        Assembler.R15, TEMP, 3, jumps.applyAsInt(modeKey) - Context.BIAS + word, false);
  }

  /** Leaves what uses a register as an address to Java when it is none, which makes it a fault. */
  void leaveUnlessCanonical(int register) {
    a.move(TEMP, register);
    a.registers(Code.wide(0xc1), 4, TEMP);
    a.byte1(16);
    a.registers(Code.wide(0xc1), 7, TEMP);
    a.byte1(16);
    a.registers(Code.wide(0x3b), TEMP, register);
    leaveToJavaIf(NOT_EQUAL);
  }

  /**
   * Lets a jump lead to an exit until it is chained, or, over a page border, through the jump
   * cache, since another page may be another one tomorrow.
   */
  private void jumpTo(int jumpEnd, long target) {
    jumpTo(jumpEnd, target, 0);
  }

  /**
   * Does the same.
   *
   * @param given what was given back to the budget right before the jump
   */
  private void jumpTo(int jumpEnd, long target, int given) {
    boolean samePage = block.isInPage(target);
    int number = samePage ? site(Kind.CHAIN, target, origin + jumpEnd, given, false) : -1;
    later(
        () -> {
          a.patchToHere(jumpEnd);
          if (samePage) {
            exit(number);
          } else {
            Stubs.jumpThroughCache(a, modeKey, jumps.applyAsInt(modeKey), target);
            toStub(a.jump(), stubs.lookupMissOffset(modeKey));
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
    flags.are(GuestFlags.Where.HOST);
  }

  /** Puts flags that are wanted later into the context before something destroys the host's. */
  void saveFlags(int live) {
    flags.save(live);
  }

  /** Brings the guest's flags into the host's. */
  void restoreFlags() {
    flags.restore();
  }

  private int liveBefore() {
    return keepsAllFlags ? Flags.STATUS : Liveness.before(block.code[current], liveAfter[current]);
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
    flags.are(GuestFlags.Where.CONTEXT);
  }
}
