package sharevm.translator;

import static sharevm.translator.Assembler.ABOVE;
import static sharevm.translator.Assembler.BELOW;
import static sharevm.translator.Assembler.EQUAL;
import static sharevm.translator.Assembler.NOT_BELOW;
import static sharevm.translator.Assembler.NOT_EQUAL;
import static sharevm.translator.Assembler.R13;
import static sharevm.translator.Assembler.R14;
import static sharevm.translator.Assembler.R15;
import static sharevm.translator.Assembler.RAX;
import static sharevm.translator.Assembler.RCX;
import static sharevm.translator.Assembler.RDX;

import java.util.ArrayList;
import java.util.List;
import sharevm.translator.Assembler.Code;
import sharevm.translator.Assembler.Place;

/**
 * The walk through 4-level page tables (Intel SDM Vol. 3A 4.5) in machine code, for accesses that
 * miss a TLB: fills the entry when all is as in nearly every case (tables and page in RAM, accessed
 * and dirty flags set already, rights as wanted), and leaves anything else to Java.
 *
 * <p>Called with the linear address in R13, and in R14 the exit site's number times 256 plus the
 * access's size less one.
 */
final class WalkStub {
  /** Bits of entries. */
  private static final int PRESENT = 1;

  private static final int WRITABLE = 1 << 1;
  private static final int USER = 1 << 2;
  private static final int ACCESSED = 1 << 5;
  private static final int DIRTY = 1 << 6;
  private static final int LARGE = 1 << 7;
  private static final int GLOBAL = 1 << 8;

  private static final int MEBIBYTE = 1 << 20;

  /** Reserved bits in the address of a page of 1 GiB, and of 2 MiB. */
  private static final int RESERVED_HUGE = 0x3fff_e000;

  private static final int RESERVED_LARGE = 0x1f_e000;

  private final Assembler a;
  private final int tlb;
  private final boolean write;
  private final List<Integer> failures = new ArrayList<>();

  private WalkStub(Assembler assembler, int tlb, boolean write) {
    this.a = assembler;
    this.tlb = tlb;
    this.write = write;
  }

  /**
   * Emits the stub for one TLB and kind of access; returns where it starts.
   *
   * @param exit where Java is entered with a site's number in R14
   */
  static int emit(Assembler assembler, int tlb, boolean write, int exit) {
    return new WalkStub(assembler, tlb, write).emit(exit);
  }

  private int emit(int exit) {
    int toHost = toHost();
    int start = a.position();
    a.store(Context.at(Context.MISS_ADDRESS), R13);
    a.store(Context.at(Context.SCRATCH), RAX);
    a.store(Context.at(Context.SCRATCH + 8), RCX);
    a.store(Context.at(Context.SCRATCH + 16), RDX);
    a.store(Context.at(Context.SCRATCH + 24), R14);
    checkAddress();
    a.load(RCX, Context.at(Context.WALK_ROOT));
    a.registers(Code.wide(0x85), RCX, RCX);
    failIf(EQUAL);
    a.constant(RDX, -1);
    step(39);
    checkBits(LARGE, 0);
    step(toHost, 30);
    int huge = jumpIfLarge();
    step(toHost, 21);
    int large = jumpIfLarge();
    step(toHost, 12);
    checkRights();
    frame();
    int found = a.jump();
    a.patchToHere(huge);
    big(30, RESERVED_HUGE);
    int foundHuge = a.jump();
    a.patchToHere(large);
    big(21, RESERVED_LARGE);
    a.patchToHere(foundHuge);
    a.patchToHere(found);
    fill(toHost);
    restore();
    a.byte1(0xc3);
    for (int failure : failures) {
      a.patchToHere(failure);
    }
    restore();
    a.registers(Code.wide(0xc1), 5, R14);
    a.byte1(8);
    a.inOpcode(Code.of(0x58), R13);
    a.store(Context.at(Context.MISS_RETURN), R13);
    a.patch(a.jump(), exit);
    return start;
  }

  private void restore() {
    a.load(RAX, Context.at(Context.SCRATCH));
    a.load(RCX, Context.at(Context.SCRATCH + 8));
    a.load(RDX, Context.at(Context.SCRATCH + 16));
    a.load(R14, Context.at(Context.SCRATCH + 24));
  }

  private void failIf(int condition) {
    failures.add(a.jumpIf(condition));
  }

  /** Fails for an access across pages, and for an address that is not canonical. */
  private void checkAddress() {
    a.registers(Code.of(0x89), R13, RAX);
    a.arithmetic(false, 4, RAX, 0xfff);
    a.registers(new Code(0, false, false, Code.BYTE_RM, 1, 0xb6), RCX, R14);
    a.registers(Code.of(0x01), RCX, RAX);
    a.arithmetic(false, 7, RAX, 0xfff);
    failIf(ABOVE);
    a.move(RAX, R13);
    shift(4, RAX, 16);
    shift(7, RAX, 16);
    a.registers(Code.wide(0x39), R13, RAX);
    failIf(NOT_EQUAL);
  }

  /** Emits SHL (4), SHR (5) or SAR (7) of 64 bits. */
  private void shift(int digit, int register, int count) {
    a.registers(Code.wide(0xc1), digit, register);
    a.byte1(count);
  }

  /** Goes on to the table that the entry in RCX names, and reads an entry of that. */
  private void step(int toHost, int shift) {
    a.memory(Code.wide(0x23), RCX, Context.at(Context.FRAME_MASK));
    callToHost(toHost);
    step(shift);
  }

  /** Reads the entry for the address of the table at RCX into RCX; gathers rights in RDX. */
  private void step(int shift) {
    a.move(RAX, R13);
    shift(5, RAX, shift);
    a.arithmetic(false, 4, RAX, 511);
    a.memory(Code.wide(0x8b), RCX, new Place(RCX, RAX, 3, 0, false));
    checkBits(PRESENT | ACCESSED, PRESENT | ACCESSED);
    a.registers(Code.of(0x21), RCX, RDX);
  }

  private void checkBits(int mask, int wanted) {
    a.registers(Code.of(0x89), RCX, RAX);
    a.arithmetic(false, 4, RAX, mask);
    a.arithmetic(false, 7, RAX, wanted);
    failIf(NOT_EQUAL);
  }

  private int jumpIfLarge() {
    a.registers(new Code(0, false, false, Code.BYTE_RM, 0, 0xf6), 0, RCX);
    a.byte1(LARGE);
    return a.jumpIf(NOT_EQUAL);
  }

  private void checkRights() {
    int wanted = (tlb == 0 ? USER : 0) | (write ? WRITABLE : 0);
    if (wanted != 0) {
      a.registers(Code.of(0x89), RDX, RAX);
      a.arithmetic(false, 4, RAX, wanted);
      a.arithmetic(false, 7, RAX, wanted);
      failIf(NOT_EQUAL);
    }
    if (tlb == 1) {
      a.memory(Code.of(0x85), RDX, Context.at(Context.SMAP_MASK));
      failIf(NOT_EQUAL);
    }
    if (write) {
      a.registers(new Code(0, false, false, Code.BYTE_RM, 0, 0xf6), 0, RCX);
      a.byte1(DIRTY);
      failIf(EQUAL);
    }
  }

  /** Leaves in RCX the frame, in R14 the entry itself. */
  private void frame() {
    a.move(R14, RCX);
    a.memory(Code.wide(0x23), RCX, Context.at(Context.FRAME_MASK));
  }

  /** Finds the small page inside a large one, and notes that there is one. */
  private void big(int shift, int reserved) {
    checkRights();
    a.test(RCX, reserved);
    failIf(NOT_EQUAL);
    frame();
    shift(5, RCX, shift);
    shift(4, RCX, shift);
    a.registers(Code.of(0x89), R13, RAX);
    a.arithmetic(false, 4, RAX, (1 << shift) - 1 & -4096);
    a.registers(Code.wide(0x01), RAX, RCX);
    int table = shift == 30 ? Context.HUGE_REGIONS : Context.LARGE_REGIONS;
    int bits = shift == 30 ? Context.HUGE_REGION_BITS : Context.LARGE_REGION_BITS;
    a.move(RAX, R13);
    shift(5, RAX, shift);
    a.arithmetic(false, 4, RAX, (1 << bits) - 1);
    int at = table - Context.BIAS;
    a.memory(new Code(0, false, false, 0, 0, 0xc6), 0, new Place(R15, RAX, 0, at, false));
    a.byte1(1);
  }

  /** Fills the entry: frame in RCX, page table entry in R14, rights in RDX. */
  private void fill(int toHost) {
    a.store(Context.at(Context.SCRATCH + 32), RCX);
    callToHost(toHost);
    a.store(Context.at(Context.SCRATCH + 40), RCX);
    a.arithmetic(false, 4, RDX, WRITABLE);
    a.registers(Code.of(0x89), R14, RAX);
    a.arithmetic(false, 4, RAX, DIRTY);
    a.registers(Code.of(0x09), RAX, RDX);
    a.registers(Code.of(0x89), R13, RAX);
    a.registers(Code.of(0xc1), 5, RAX);
    a.byte1(12 - Context.TLB_ENTRY_SHIFT);
    a.arithmetic(false, 4, RAX, (1 << Context.TLB_BITS) - 1 << Context.TLB_ENTRY_SHIFT);
    int entry = Context.TLB + tlb * Context.TLB_SIZE - Context.BIAS;
    note(entry);
    a.load(RCX, Context.at(Context.SCRATCH + 40));
    a.store(new Place(R15, RAX, 0, entry + Context.TLB_HOST, false), RCX);
    a.registers(Code.wide(0x81), 4, R13);
    a.byte4(-4096);
    a.store(new Place(R15, RAX, 0, entry + Context.TLB_READ, false), R13);
    if (tlb == 0) {
      leaveMirror();
    }
    writeTag(entry);
  }

  /** Says that the page is in no mirror yet, as {@link Mirrors#empty} does. */
  private void leaveMirror() {
    a.registers(Code.of(0x89), RAX, RCX);
    a.arithmetic(false, 6, RCX, 1 << Context.TLB_BITS + Context.TLB_ENTRY_SHIFT - 1);
    a.registers(Code.wide(0xc1), 4, RCX);
    a.byte1(12 - Context.TLB_ENTRY_SHIFT);
    a.store(new Place(R15, RAX, 0, Context.MIRROR - Context.BIAS, false), RCX);
  }

  /** Adds the entry to the list of those to be emptied when mappings change. */
  private void note(int entry) {
    a.test(R14, GLOBAL);
    int local = a.jumpIf(EQUAL);
    note(Context.GLOBAL_ENTRIES, entry);
    int noted = a.jump();
    a.patchToHere(local);
    note(Context.LOCAL_ENTRIES, entry);
    a.patchToHere(noted);
  }

  private void note(int list, int entry) {
    a.load32(RCX, Context.at(list));
    a.arithmetic(false, 7, RCX, Context.MOST_ENTRIES);
    failIf(NOT_BELOW);
    a.lea32(R14, Place.at(RAX, entry + Context.BIAS));
    int at = list + Context.LIST_START - Context.BIAS;
    a.memory(Code.of(0x89), R14, new Place(R15, RCX, 2, at, false));
    a.memory(Code.of(0xff), 0, Context.at(list));
  }

  /** Allows writes where the rights do and no code is. */
  private void writeTag(int entry) {
    a.arithmetic(false, 7, RDX, WRITABLE | DIRTY);
    int readOnly = a.jumpIf(NOT_EQUAL);
    a.load(RCX, Context.at(Context.SCRATCH + 32));
    a.load(RDX, Context.at(Context.RAM_OFFSET_OF_HIGH));
    a.memory(Code.wide(0x3b), RCX, Context.at(Context.LOW_TOP));
    int low = a.jumpIf(BELOW);
    a.registers(Code.wide(0x29), RDX, RCX);
    a.patchToHere(low);
    shift(5, RCX, 12);
    a.load(RDX, Context.at(Context.CODE_MARKS));
    a.memory(new Code(0, false, true, 0, 1, 0xa3), RCX, Place.at(RDX, 0));
    int unmarked = a.jumpIf(NOT_BELOW);
    a.patchToHere(readOnly);
    a.constant(R13, 0);
    a.constant(RCX, 4096);
    a.registers(Code.of(0x85), RAX, RAX);
    a.registers(new Code(0, false, true, 0, 1, 0x44), R13, RCX);
    a.patchToHere(unmarked);
    a.store(new Place(R15, RAX, 0, entry + Context.TLB_WRITE, false), R13);
    if (write) {
      a.memory(Code.wide(0x3b), R13, new Place(R15, RAX, 0, entry + Context.TLB_READ, false));
      failIf(NOT_EQUAL);
    }
  }

  private void callToHost(int toHost) {
    a.byte1(0xe8);
    a.byte4(0);
    a.patch(a.position(), toHost);
    failIf(EQUAL);
  }

  /**
   * Turns the physical address of a page in RCX into the host's; sets ZF when it is no RAM from 1
   * MiB on. Uses RAX.
   */
  private int toHost() {
    int start = a.position();
    a.memory(Code.wide(0x3b), RCX, Context.at(Context.LOW_TOP));
    int high = a.jumpIf(NOT_BELOW);
    a.arithmetic(true, 7, RCX, MEBIBYTE);
    int first = a.jumpIf(BELOW);
    int add = a.position();
    a.memory(Code.wide(0x03), RCX, Context.at(Context.RAM_HOST));
    a.byte1(0xc3);
    a.patchToHere(high);
    a.move(RAX, RCX);
    shift(5, RAX, 32);
    a.registers(Code.wide(0x85), RAX, RAX);
    int hole = a.jumpIf(EQUAL);
    a.memory(Code.wide(0x3b), RCX, Context.at(Context.HIGH_TOP));
    int beyond = a.jumpIf(NOT_BELOW);
    a.memory(Code.wide(0x2b), RCX, Context.at(Context.RAM_OFFSET_OF_HIGH));
    a.patch(a.jump(), add);
    a.patchToHere(first);
    a.patchToHere(hole);
    a.patchToHere(beyond);
    a.registers(Code.of(0x31), RAX, RAX);
    a.byte1(0xc3);
    return start;
  }
}
