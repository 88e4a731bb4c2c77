package sharevm.lab.lockstep;

import java.util.SplittableRandom;
import sharevm.cpu.Flags;

/** Pieces of random programs that are no plain computation: strings, flags, TLB, page tables. */
final class SystemPieces {
  private final GuestMode mode;
  private final boolean is64;
  private final CodeBuffer code;
  private final InstructionMaker maker;

  SystemPieces(GuestMode mode, CodeBuffer code, InstructionMaker maker) {
    this.mode = mode;
    this.is64 = mode.is64();
    this.code = code;
    this.maker = maker;
  }

  /** A string instruction, with or without REP. */
  void string(SplittableRandom random) {
    int[] opcodes = {0xa4, 0xa5, 0xaa, 0xab, 0xac, 0xad, 0xa6, 0xa7, 0xae, 0xaf};
    int opcode = opcodes[random.nextInt(opcodes.length)];
    boolean compares = opcode >= 0xae || opcode == 0xa6 || opcode == 0xa7;
    boolean repeats = random.nextInt(3) != 0;
    boolean down = random.nextInt(12) == 0;
    constant(GuestRegisters.RSI, ProgramMaker.place(random));
    constant(GuestRegisters.RDI, ProgramMaker.place(random));
    if (repeats) {
      constant(
          GuestRegisters.RCX, random.nextInt(4) == 0 ? random.nextInt(700) : random.nextInt(9));
    }
    maker.flags.want(compares ? Flags.STATUS : 0);
    if (down) {
      code.put(0xfd);
    }
    if (random.nextInt(8) == 0) {
      code.put(0x66);
    }
    if (repeats) {
      code.put(random.nextInt(6) == 0 ? 0xf2 : 0xf3);
    }
    if (is64 && random.nextBoolean()) {
      code.put(0x48);
    }
    code.put(opcode);
    if (down) {
      code.put(0xfc);
    }
    if (!is64) {
      constant(GuestRegisters.RSI, random.nextInt(64));
    }
  }

  private void constant(int register, long value) {
    code.put(0xb8 | register);
    code.number(value, 4);
  }

  /** Something of the system, as far as the program may. */
  void any(SplittableRandom random) {
    if (mode.user || random.nextInt(3) == 0) {
      anyone(random);
    } else {
      supervisor(random);
    }
  }

  private void anyone(SplittableRandom random) {
    switch (random.nextInt(7)) {
      case 0 -> {
        maker.flags.want(Flags.STATUS);
        code.put(0x9c, 0x58); // PUSHF, POP rAX
      }
      case 1 -> {
        maker.flags.want(Flags.STATUS);
        code.put(0x9c, 0x9d); // PUSHF, POPF
      }
      case 2 -> {
        code.put(0x31, 0xc0, 0x31, 0xc9, 0x53, 0x0f, 0xa2, 0x5b); // CPUID, with EBX kept
        maker.flags.defined();
        maker.flags.undefined(Flags.AF);
      }
      case 3 -> code.put(0xd7); // XLATB
      case 4 -> {
        code.put(0x0f, 0xa0, 0x58); // PUSH FS, POP rAX
        if (!is64) {
          code.put(0x1e, 0x58); // PUSH DS, POP EAX
          code.put(0x0e, 0x58, 0x16, 0x5a); // PUSH CS, POP EAX, PUSH SS, POP EDX
          code.put(0x8c, 0xc9); // MOV ECX, CS
        }
      }
      case 6 -> changeFlags(random);
      default -> code.put(0xf3, 0x90); // PAUSE
    }
  }

  private void supervisor(SplittableRandom random) {
    long page = GuestLayout.DATA + 4096L * random.nextInt(GuestLayout.DATA_PAGES);
    switch (random.nextInt(9)) {
      case 0 -> invalidate(page);
      case 1 -> code.put(0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8); // MOV rAX, CR3; MOV CR3, rAX
      case 2 -> code.put(0x0f, 0x01, random.nextBoolean() ? 0xca : 0xcb); // CLAC, STAC
      case 3 -> {
        code.put(0x0f, 0x20, 0xe0, 0x34, 0x80, 0x0f, 0x22, 0xe0); // CR4.PGE changes
        maker.flags.defined();
        maker.flags.undefined(Flags.AF);
      }
      case 6, 7 -> interruptReturn(random);
      case 8 -> loadSegment(random);
      default -> {
        long entry = (page >>> 12 & (mode.paging == GuestMode.Paging.LEGACY ? 1023 : 511));
        int width = mode.paging == GuestMode.Paging.LEGACY ? 4 : 8;
        int[] bits = {0x01, 0x02, 0x04, 0x20, 0x40, 0x42, 0x60};
        code.put(0x80, 0x34, 0x25); // XOR byte [the entry], a bit
        code.number(GuestLayout.TABLE_ALIAS + entry * width, 4);
        code.put(bits[random.nextInt(bits.length)]);
        maker.flags.defined();
        maker.flags.undefined(Flags.AF);
        invalidate(page);
      }
    }
  }

  /** PUSHF; XOR [rSP], some flags; POPF. */
  private void changeFlags(SplittableRandom random) {
    int changed = random.nextInt() & Flags.STATUS;
    changed |= random.nextInt(4) == 0 ? Flags.ID : 0;
    changed |= random.nextInt(4) == 0 ? Flags.IF : 0;
    changed |= random.nextInt(8) == 0 ? Flags.IOPL : 0;
    changed |= random.nextInt(16) == 0 ? Flags.NT : 0;
    maker.flags.want(Flags.STATUS);
    code.put(0x9c, 0x81, 0x34, 0x24);
    code.number(changed, 4);
    code.put(0x9d);
    maker.flags.defined();
  }

  /** IRET to what is behind it, within level 0, perhaps with RF. */
  private void interruptReturn(SplittableRandom random) {
    maker.flags.want(Flags.STATUS);
    if (is64) {
      int stack = random.nextInt(3) == 0 ? 0 : LockstepMachine.KERNEL_DATA;
      code.put(0x48, 0x89, 0xe0, 0x6a, stack, 0x50); // MOV RAX, RSP; PUSH SS; PUSH RAX
    }
    code.put(0x9c);
    if (random.nextInt(4) == 0) {
      code.put(0x81, 0x0c, 0x24); // OR [rSP], RF
      code.number(Flags.RF, 4);
    }
    code.put(0x6a, is64 ? LockstepMachine.KERNEL_CODE_64 : LockstepMachine.KERNEL_CODE_32);
    code.put(0xe8, 0, 0, 0, 0); // CALL of the next instruction
    if (is64) {
      code.put(0x48, 0x83, 0x04, 0x24, 7, 0x48, 0xcf); // ADD [RSP], 7; IRETQ
    } else {
      code.put(0x83, 0x04, 0x24, 5, 0xcf); // ADD [ESP], 5; IRETD
    }
  }

  /** MOV or POP of ES, DS, FS or GS in 32-bit code: all memory, and for FS and GS nothing too. */
  private void loadSegment(SplittableRandom random) {
    if (is64) {
      return;
    }
    int kernel = LockstepMachine.KERNEL_DATA;
    int user = LockstepMachine.USER_DATA;
    int[] selectors = {kernel, kernel | random.nextInt(4), user, 0};
    int[] segments = {0, 3, 4, 5};
    int segment = segments[random.nextInt(segments.length)];
    int selector = selectors[random.nextInt(selectors.length - (segment < 4 ? 1 : 0))];
    if (random.nextBoolean()) {
      constant(GuestRegisters.RAX, selector);
      code.put(0x8e, 0xc0 | segment << 3);
      return;
    }
    code.put(0x6a, selector);
    switch (segment) {
      case 0 -> code.put(0x07);
      case 3 -> code.put(0x1f);
      case 4 -> code.put(0x0f, 0xa1);
      default -> code.put(0x0f, 0xa9);
    }
  }

  /** INVLPG. */
  private void invalidate(long page) {
    code.put(0x0f, 0x01, 0x3c, 0x25);
    code.number(page, 4);
  }
}
