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
    switch (random.nextInt(10)) {
      case 0 -> invalid(random);
      case 1 -> read(random);
      case 2, 3 -> otherStack(random);
      case 4, 5 -> otherCode(random);
      default -> otherData(random);
    }
  }

  /** A selector that faults, or one that names the stack or the code. */
  private void invalid(SplittableRandom random) {
    int register = new int[] {0, 2, 3, 4, 5}[random.nextInt(5)];
    if (setting.invalid().isEmpty()) {
      return;
    }
    int selector = setting.invalid().get(random.nextInt(setting.invalid().size()));
    emitter.constant(CpuState.RAX, selector, emitter.size);
    emitter.loadSegment(register, CpuState.RAX);
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
        storeSelector(segment, size);
        emitter.loadPointer(register, CpuState.RSI, emitter.slot(SLOT), size);
      }
      default -> emitter.loadSegment(register, segment);
    }
  }

  /** MOV of a selector behind an offset of a size. */
  private void storeSelector(GuestSegment segment, int size) {
    Address place = emitter.absolute(CpuState.SS, setting.slot(SLOT) + size);
    emitter.memory(2, place, 0, 0xc7);
    emitter.code.number(segment.selector(), 2);
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
