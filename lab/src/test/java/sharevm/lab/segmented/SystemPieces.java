package sharevm.lab.segmented;

import java.util.SplittableRandom;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.lab.lockstep.CodeBuffer.Address;

/** Pieces that are no plain computation: flags, questions about the system, what always faults. */
final class SystemPieces {
  /** The first of two slots for what BOUND compares with. */
  private static final int BOUNDS = 32;

  private final Emitter emitter;
  private final Operands operands;
  private final Instructions instructions;

  SystemPieces(Emitter emitter, Operands operands, Instructions instructions) {
    this.emitter = emitter;
    this.operands = operands;
    this.instructions = instructions;
  }

  void any(SplittableRandom random) {
    switch (random.nextInt(12)) {
      case 0, 1, 2 -> changeFlags(random);
      case 3 -> {
        emitter.code.put(random.nextBoolean() ? 0xfa : 0xfb); // CLI, STI
        instructions.any(random);
      }
      case 4 -> downwards(random);
      case 5 -> translate(random);
      case 6 -> identify();
      case 7 -> overflow(random);
      case 8 -> beyondLimit(random);
      case 9 -> memoryManagement(random);
      default -> question(random);
    }
  }

  /** INTO, or BOUND that mostly lets pass. */
  private void overflow(SplittableRandom random) {
    if (random.nextBoolean()) {
      emitter.flags.want(Flags.OF);
      emitter.code.put(0xce);
      return;
    }
    int size = random.nextBoolean() ? emitter.otherSize() : emitter.size;
    emitter.storeConstant(BOUNDS, -random.nextInt(0x100), size);
    Address upper = emitter.absolute(CpuState.SS, emitter.setting.slot(BOUNDS) + size);
    emitter.memory(size, upper, 0, 0xc7);
    emitter.code.number(random.nextInt(0x100), size);
    emitter.constant(CpuState.RAX, random.nextInt(-0x20, 0x100), size);
    emitter.memory(size, emitter.slot(BOUNDS), CpuState.RAX, 0x62);
  }

  /** PUSHF; POP; XOR of some flags; PUSH; POPF. */
  private void changeFlags(SplittableRandom random) {
    int changed = random.nextInt() & Flags.STATUS;
    changed |= random.nextInt(2) == 0 ? Flags.ID : 0;
    changed |= random.nextInt(3) == 0 ? Flags.IF : 0;
    changed |= random.nextInt(4) == 0 ? Flags.IOPL : 0;
    changed |= random.nextInt(16) == 0 && emitter.setting.mode().realSegments() ? Flags.NT : 0;
    changed |= random.nextInt(16) == 0 ? Flags.AC : 0;
    changed |= random.nextInt(16) == 0 ? Flags.TF : 0;
    int size = random.nextInt(3) == 0 ? emitter.otherSize() : emitter.size;
    emitter.flags.want(Flags.STATUS);
    emitter.sized(size, 0x9c);
    if (!emitter.setting.changesFlags()) {
      emitter.sized(size, 0x9d);
      return;
    }
    emitter.sized(size, 0x58);
    emitter.sized(size, 0x35); // XOR rAX, imm
    emitter.code.number(changed, size);
    emitter.sized(size, 0x50);
    emitter.flags.defined();
    emitter.sized(size, 0x9d);
    if (random.nextBoolean()) {
      emitter.sized(size, 0x9c);
      emitter.sized(size, 0x58 | Instructions.data(random));
    }
  }

  /** Some instructions while strings go downwards. */
  private void downwards(SplittableRandom random) {
    emitter.code.put(0xfd);
    for (int n = random.nextInt(1, 6); n > 0; n--) {
      instructions.any(random);
    }
    emitter.code.put(0xfc);
  }

  /** XLAT through any segment. */
  private void translate(SplittableRandom random) {
    emitter.code.put(Emitter.prefix(random.nextInt(6)));
    if (random.nextInt(4) == 0) {
      emitter.code.put(Emitter.ADDRESS_SIZE);
    }
    emitter.code.put(0xd7);
  }

  /** CPUID of leaf 0, with rBX kept. */
  private void identify() {
    emitter.code.put(0x31, 0xc0, 0x31, 0xc9, 0x66, 0x53, 0x66, 0x53, 0x0f, 0xa2);
    emitter.code.put(0x66, 0x5b, 0x66, 0x5b);
    emitter.flags.defined();
    emitter.flags.undefined(Flags.AF);
    operands.setPointer(CpuState.RBX, new SplittableRandom(0));
  }

  /** A jump that a code segment's limit does not let through, or not in code of 16 bits. */
  private void beyondLimit(SplittableRandom random) {
    long limit = emitter.setting.code().limit() & 0xffff_ffffL;
    long target = limit + random.nextInt(1, 0x1000);
    if (target > 0x7fff_ffffL) {
      return;
    }
    int size = target > Emitter.FULL ? 4 : emitter.size;
    emitter.flags.settle();
    switch (random.nextInt(4)) {
      case 0 -> {
        emitter.sized(size, 0xea); // JMP far
        emitter.code.number(target, size);
        emitter.code.number(emitter.setting.code().selector(), 2);
      }
      case 1 -> {
        emitter.constant(CpuState.RAX, target, size);
        emitter.sized(size, 0xff, random.nextBoolean() ? 0xe0 : 0xd0); // JMP or CALL rAX
      }
      case 2 -> {
        emitter.sized(size, 0x0f, 0x80 | random.nextInt(16));
        emitter.code.number(target - emitter.code.here() - size, size);
      }
      default -> {
        emitter.sized(size, random.nextBoolean() ? 0xe8 : 0xe9);
        emitter.code.number(target - emitter.code.here() - size, size);
      }
    }
  }

  /** What a supervisor does about paging and the like; a fault for others. */
  private void memoryManagement(SplittableRandom random) {
    switch (random.nextInt(4)) {
      case 0 -> emitter.memory(1, operands.any(false, false, random), 7, 0x0f, 0x01); // INVLPG
      case 1 -> emitter.code.put(0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8); // MOV EAX, CR3; MOV CR3, EAX
      case 2 -> emitter.code.put(0x0f, 0x06); // CLTS
      default -> emitter.code.put(0x0f, 0x20, 0xc0); // MOV EAX, CR0
    }
  }

  private void question(SplittableRandom random) {
    switch (random.nextInt(7)) {
      case 0 -> emitter.sized(emitter.size, 0x0f, 0x01, 0xe0); // SMSW AX
      case 1 -> emitter.memory(1, operands.any(true, false, random), 0, 0x0f, 0x01); // SGDT
      case 2 -> emitter.code.put(0x0f, 0x00, 0xc0); // SLDT AX
      case 3 -> emitter.code.put(0x0f, 0x0b); // UD2
      case 4 -> emitter.code.put(0xe4, 0x80); // IN AL, 80H
      case 5 -> emitter.code.put(emitter.setting.changesFlags() ? 0x90 : 0xcf); // NOP; IRET
      default -> {
        emitter.constant(CpuState.RCX, random.nextInt(0, 64) * 8L, emitter.size);
        int[] opcodes = {0x02, 0x03};
        emitter.code.put(0x0f, opcodes[random.nextInt(2)], 0xc1); // LAR or LSL AX, CX
        emitter.flags.settle();
      }
    }
  }
}
