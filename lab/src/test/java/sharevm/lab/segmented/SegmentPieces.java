package sharevm.lab.segmented;

import java.util.SplittableRandom;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.lab.lockstep.CodeBuffer.Address;
import sharevm.lab.lockstep.CodeBuffer.Label;

/** Loads of segment registers, and what is done with other segments than the usual ones. */
final class SegmentPieces {
  /** The first of slots for far pointers. */
  private static final int SLOT = 10;

  private static final int[] DATA = {CpuState.ES, CpuState.DS, CpuState.FS, CpuState.GS};

  private final Pieces pieces;
  private final Emitter emitter;
  private final Operands operands;
  private final Setting setting;

  SegmentPieces(Pieces pieces) {
    this.pieces = pieces;
    this.emitter = pieces.emitter;
    this.operands = pieces.operands;
    this.setting = emitter.setting;
  }

  void any(SplittableRandom random) {
    switch (random.nextInt(13)) {
      case 0 -> invalid(random);
      case 1, 2 -> read(random);
      case 3, 4 -> otherStack(random);
      case 5, 6 -> otherCode(random);
      case 7 -> otherSize(random);
      case 8 -> hidden(random);
      default -> otherData(random);
    }
  }

  /** A selector that faults. */
  private void invalid(SplittableRandom random) {
    int register = new int[] {0, 2, 3, 4, 5}[random.nextInt(5)];
    if (setting.invalid().isEmpty()) {
      return;
    }
    int selector = setting.invalid().get(random.nextInt(setting.invalid().size()));
    if (random.nextBoolean()) {
      emitter.storeConstant(SLOT, random.nextInt(), emitter.size);
      storeSelector(selector, emitter.size);
      int into = Instructions.data(random);
      emitter.loadPointer(register, into, emitter.slot(SLOT), emitter.size);
    } else {
      emitter.constant(CpuState.RAX, selector, emitter.size);
      emitter.loadSegment(register, CpuState.RAX);
    }
  }

  /** MOV from a segment register. */
  private void read(SplittableRandom random) {
    int register = random.nextInt(6);
    if (random.nextBoolean()) {
      int size = random.nextBoolean() ? emitter.otherSize() : emitter.size;
      emitter.sized(size, 0x8c, 0xc0 | register << 3 | Instructions.data(random));
    } else {
      emitter.memory(emitter.size, operands.any(true, false, random), register, 0x8c);
    }
  }

  private void otherData(SplittableRandom random) {
    int register = DATA[random.nextInt(DATA.length)];
    GuestSegment before = operands.current[register];
    GuestSegment segment = setting.loadable().get(random.nextInt(setting.loadable().size()));
    load(register, segment, random);
    operands.current[register] = setting.in(register, segment);
    pieces.leaves(random.nextInt(1, 5), random);
    emitter.loadSegment(register, before);
    operands.current[register] = before;
  }

  private void load(int register, GuestSegment segment, SplittableRandom random) {
    switch (random.nextInt(4)) {
      case 0 -> {
        emitter.push(segment.selector(), emitter.size);
        emitter.popSegment(register, emitter.size);
      }
      case 1 -> {
        emitter.storeConstant(SLOT, segment.selector(), 2);
        emitter.memory(emitter.size, emitter.slot(SLOT), register, 0x8e);
      }
      case 2 -> {
        int size = random.nextInt(3) == 0 ? emitter.otherSize() : emitter.size;
        emitter.storeConstant(SLOT, random.nextInt(), size);
        storeSelector(segment.selector(), size);
        emitter.loadPointer(register, CpuState.RSI, emitter.slot(SLOT), size);
      }
      default -> emitter.loadSegment(register, segment);
    }
  }

  /** MOV of a selector behind an offset of a size. */
  private void storeSelector(int selector, int size) {
    Address place = emitter.absolute(CpuState.SS, setting.slot(SLOT) + size);
    emitter.memory(2, place, 0, 0xc7);
    emitter.code.number(selector, 2);
  }

  /** The same stack through another segment, and back. */
  private void otherStack(SplittableRandom random) {
    GuestSegment stack = setting.stack();
    GuestSegment other = setting.otherStack();
    long shift = other.base() - stack.base();
    toStack(other, -shift, 0, random);
    operands.current[CpuState.SS] = other;
    pieces.leaves(random.nextInt(1, 4), random);
    operands.current[CpuState.SS] = stack;
    toStack(stack, shift, shift, random);
  }

  /**
   * @param added to the stack pointer
   * @param shift by how much slots seem lower
   */
  private void toStack(GuestSegment to, long added, long shift, SplittableRandom random) {
    int size = setting.stackSize();
    if (random.nextBoolean()) {
      emitter.loadSegment(CpuState.SS, to);
      emitter.sized(size, 0x81, 0xc4); // ADD rSP, imm
      emitter.code.number(added, size);
      emitter.flags.defined();
      return;
    }
    Address pointer = emitter.absolute(CpuState.SS, setting.slot(SLOT) - shift);
    Address selector = emitter.absolute(CpuState.SS, setting.slot(SLOT) - shift + size);
    emitter.memory(size, pointer, CpuState.RSP, 0x89);
    emitter.memory(size, pointer, 0, 0x81); // ADD [slot], imm
    emitter.code.number(added, size);
    emitter.flags.defined();
    emitter.memory(2, selector, 0, 0xc7);
    emitter.code.number(to.selector(), 2);
    emitter.loadPointer(CpuState.SS, CpuState.RSP, pointer, size);
  }

  /** The same code through another segment, and back. */
  private void otherCode(SplittableRandom random) {
    emitter.flags.settle();
    far(setting.otherCode(), setting.otherCodeShift(), random);
    operands.current[CpuState.CS] = setting.otherCode();
    pieces.leaves(random.nextInt(1, 4), random);
    emitter.flags.settle();
    operands.current[CpuState.CS] = setting.code();
    far(setting.code(), 0, random);
  }

  /** Code of the other size, and back. */
  private void otherSize(SplittableRandom random) {
    if (setting.otherSize() == null) {
      return;
    }
    emitter.flags.settle();
    far(setting.otherSize(), 0, random);
    emitter.otherCode(
        () -> {
          operands.resetPointers(random);
          pieces.leaves(random.nextInt(1, 5), random);
          emitter.flags.settle();
          far(setting.code(), 0, random);
        });
    operands.resetPointers(random);
  }

  /** A segment as only protected mode loads it, in real-address mode. */
  private void hidden(SplittableRandom random) {
    if (setting.hidden().isEmpty()) {
      return;
    }
    int register = DATA[random.nextInt(DATA.length)];
    GuestSegment segment = setting.hidden().get(random.nextInt(setting.hidden().size()));
    GuestSegment before = operands.current[register];
    loadHidden(register, segment);
    operands.current[register] = segment;
    pieces.leaves(random.nextInt(1, 5), random);
    loadHidden(register, setting.hidden().get(before.endless() ? 1 : 0));
    emitter.loadSegment(register, before);
    operands.current[register] = before;
  }

  /** MOV of a segment register with CR0.PE set meanwhile. */
  private void loadHidden(int register, GuestSegment segment) {
    emitter.code.put(0xfa); // CLI
    emitter.code.put(0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0); // OR of CR0
    emitter.loadSegment(register, segment);
    emitter.code.put(0x0f, 0x20, 0xc0, 0x24, 0xfe, 0x0f, 0x22, 0xc0); // AND of CR0
    emitter.flags.defined();
    emitter.flags.undefined(Flags.AF);
  }

  /** A far transfer to what is behind it: JMP, RETF or IRET. */
  private void far(GuestSegment to, long shift, SplittableRandom random) {
    Label behind = new Label();
    int size = setting.narrowCode() && random.nextInt(3) == 0 ? emitter.otherSize() : emitter.size;
    switch (random.nextInt(setting.changesFlags() ? 4 : 3)) {
      case 0 -> {
        emitter.push(to.selector(), size);
        emitter.push(behind, shift, size);
        emitter.sized(size, 0xcb);
      }
      case 3 -> {
        emitter.flags.want(Flags.STATUS);
        emitter.sized(size, 0x9c);
        emitter.push(to.selector(), size);
        emitter.push(behind, shift, size);
        emitter.sized(size, 0xcf);
      }
      default -> {
        emitter.sized(size, 0xea);
        emitter.code.address(behind, size, shift);
        emitter.code.number(to.selector(), 2);
      }
    }
    emitter.code.bind(behind);
  }
}
