package sharevm.lab.segmented;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import sharevm.cpu.CpuState;
import sharevm.cpu.opcode.Opcode;
import sharevm.cpu.opcode.OperandType.Field;
import sharevm.lab.lockstep.CodeBuffer;
import sharevm.lab.lockstep.CodeBuffer.Address;
import sharevm.lab.lockstep.InstructionRows;

/**
 * PUSH, POP, ENTER and the like. What may be skipped for a fault, or moves the stack to an edge,
 * puts the stack pointer back behind itself.
 */
final class StackPieces {
  /** The first slot for stack pointers. */
  private static final int SLOT = 0;

  /** From a slot of what is done at an edge to that of what is done there. */
  private static final int OWN = 2;

  private static final List<Opcode> IN_MEMORY =
      new InstructionRows(false)
          .named(Set.of("PUSH", "POP")).stream().filter(row -> row.has(Field.RM)).toList();

  private final Emitter emitter;
  private final Operands operands;
  private final Instructions instructions;
  private int slot = SLOT;

  StackPieces(Emitter emitter, Operands operands, Instructions instructions) {
    this.emitter = emitter;
    this.operands = operands;
    this.instructions = instructions;
  }

  /** Uses the slot of a part of the program which others may call. */
  void inside(int part) {
    slot = SLOT + part;
  }

  private int size(SplittableRandom random) {
    return random.nextInt(4) == 0 ? emitter.otherSize() : emitter.size;
  }

  /** PUSH and POP of registers and constants, as many of the one as of the other. */
  void plain(SplittableRandom random) {
    List<Integer> sizes = new ArrayList<>();
    for (int n = random.nextInt(1, 5); n > 0; n--) {
      int size = size(random);
      sizes.add(size);
      switch (random.nextInt(4)) {
        case 0 -> emitter.push(random.nextInt(), size);
        case 1 -> emitter.sized(size, 0x6a, random.nextInt());
        case 2 -> emitter.pushSegment(random.nextInt(6), size);
        default -> emitter.sized(size, 0x50 | random.nextInt(8));
      }
      if (random.nextInt(3) == 0) {
        instructions.any(random);
      }
    }
    for (int size : sizes.reversed()) {
      emitter.sized(size, 0x58 | Instructions.data(random));
      if (random.nextInt(3) == 0) {
        instructions.any(random);
      }
    }
  }

  void any(SplittableRandom random) {
    if (random.nextInt(5) < 2) {
      plain(random);
      return;
    }
    if (random.nextInt(3) == 0) {
      atEdge(() -> one(random), random);
    } else {
      one(random);
    }
  }

  private void one(SplittableRandom random) {
    switch (random.nextInt(5)) {
      case 0 -> all(random);
      case 1 -> frame(random);
      case 2 -> inMemory(random);
      case 3 -> segments(random);
      default -> plain(random);
    }
  }

  /** Does something with the stack pointer at an edge of the stack's segment. */
  void atEdge(Runnable what, SplittableRandom random) {
    emitter.saveStack(slot);
    if (emitter.setting.mode().kind != SegmentedMode.Kind.FLAT) {
      moveToEdge(random);
    }
    what.run();
    emitter.restoreStack(slot);
  }

  /** Sets the stack pointer where a few words more or less are beyond the limit, or wrap. */
  private void moveToEdge(SplittableRandom random) {
    GuestSegment stack = emitter.setting.stack();
    long around =
        switch (random.nextInt(3)) {
          case 0 -> stack.wide().low();
          case 1 -> stack.wide().high() + 1;
          default -> (stack.limit() & 0xffff_ffffL) + 1;
        };
    long edge = around + random.nextInt(-9, 14);
    emitter.constant(CpuState.RSP, edge, emitter.setting.stackSize());
  }

  /** PUSHA and POPA. */
  private void all(SplittableRandom random) {
    int size = size(random);
    emitter.sized(size, 0x60);
    if (random.nextBoolean()) {
      instructions.any(random);
    }
    emitter.sized(size, 0x61);
    operands.resetPointers(random);
  }

  /** ENTER, some use of the frame, and LEAVE. */
  private void frame(SplittableRandom random) {
    int room = random.nextInt(4, 24) * 4;
    int level = random.nextInt(3) == 0 ? random.nextInt(5) : 0;
    int size = size(random);
    emitter.sized(size, 0xc8);
    emitter.code.number(room, 2);
    emitter.code.put(level);
    boolean narrow = emitter.size == 2 && emitter.setting.stackSize() == 2;
    for (int n = random.nextInt(4); n > 0; n--) {
      int below = -4 * random.nextInt(1, room / 4);
      Address local = new Address(0, CpuState.RBP, CodeBuffer.NONE, 0, below, narrow);
      emitter.memory(emitter.size, local, Instructions.data(random), random.nextInt(2) * 2 | 0x89);
    }
    emitter.sized(size, 0xc9);
    operands.setPointer(CpuState.RBP, random);
  }

  /** PUSH and POP of memory operands, in some room of their own. */
  private void inMemory(SplittableRandom random) {
    emitter.saveStack(slot + OWN);
    emitter.sized(emitter.setting.stackSize(), 0x83, 0xec, 16); // SUB rSP, 16
    emitter.flags.defined();
    for (int n = random.nextInt(1, 4); n > 0; n--) {
      instructions.one(IN_MEMORY.get(random.nextInt(IN_MEMORY.size())), random);
    }
    emitter.restoreStack(slot + OWN);
  }

  /** PUSH of a segment register and POP of the same, or of a general one. */
  private void segments(SplittableRandom random) {
    int size = size(random);
    int register = random.nextInt(6);
    emitter.pushSegment(register, size);
    boolean same = register != CpuState.CS && random.nextBoolean();
    if (same) {
      emitter.popSegment(register, size);
    } else {
      emitter.sized(size, 0x58 | Instructions.data(random));
    }
  }
}
