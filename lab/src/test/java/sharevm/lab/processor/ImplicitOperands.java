package sharevm.lab.processor;

import java.util.SplittableRandom;
import sharevm.cpu.opcode.Opcode;
import sharevm.cpu.opcode.Opcode.Attribute;
import sharevm.cpu.opcode.OperandType;

/** Gives operands that an encoding does not name values at which the instruction has work to do. */
final class ImplicitOperands {
  /** The most iterations of a repeated string instruction. */
  private static final int MOST_ITERATIONS = 24;

  /** All of RFLAGS but TF, whose trap would come after the next instruction. */
  private static final long RETURNED_FLAGS = ~0x100L;

  private final Opcode row;
  private final Mode mode;
  private final SplittableRandom random;

  ImplicitOperands(Opcode row, Mode mode, SplittableRandom random) {
    this.row = row;
    this.mode = mode;
    this.random = random;
  }

  /** Changes registers of a state. */
  void prepare(ProcessorState state, int addressSize) {
    if (row.is(Attribute.REP)) {
      long part = addressSize == 8 ? -1L : addressSize == 4 ? 0xffff_ffffL : 0xffff;
      long count = random.nextInt(4) == 0 ? random.nextInt(MOST_ITERATIONS) : random.nextInt(4);
      state.gpr[1] = (state.gpr[1] & ~part | count) & mode.mask();
      return;
    }
    switch (row.mnemonic()) {
      case "DIV", "IDIV" -> {
        if (random.nextInt(4) != 0) {
          state.gpr[2] = random.nextInt(2) == 0 ? 0 : random.nextInt(16);
          if (row.mnemonic().equals("IDIV") && random.nextInt(2) == 0) {
            state.gpr[2] = state.gpr[0] >> 63 & mode.mask();
          }
        }
      }
      case "BT", "BTS", "BTR", "BTC" -> {
        for (int n = 0; n < mode.registers(); n++) {
          if (n != 4 && random.nextInt(4) != 0) {
            state.gpr[n] = random.nextInt(-0x4000, 0x4000) & mode.mask();
          }
        }
      }
      case "CMPXCHG" -> {
        if (random.nextInt(2) == 0) {
          state.gpr[random.nextInt(mode.registers())] = state.gpr[0];
        }
      }
      case "MOV" -> {
        if (row.operands().getFirst().kind() == OperandType.Kind.SEGMENT) {
          for (int n = 0; n < mode.registers(); n++) {
            if (n != 4 && random.nextInt(4) != 0) {
              state.gpr[n] = state.gpr[n] & ~0xffffL | dataSelector(random);
            }
          }
        }
      }
      case "XLATB", "XLAT" -> state.gpr[3] = HostLayout.DATA_ADDRESS + random.nextInt(0x1000);
      default -> {}
    }
  }

  /** Makes memory at the operand hold a pointer that the row can use, where it wants one. */
  void preparePointer(byte[] bytes, int operandSize) {
    long inCode = HostLayout.CODE_ADDRESS + 0x1000 + random.nextInt(0x1000);
    switch (row.mnemonic()) {
      case "JMP", "CALL", "RET", "JMPF", "CALLF", "RETF" -> {
        SpecialValues.put(bytes, 0, operandSize, inCode);
        boolean far = row.text().contains("m16:") || row.mnemonic().endsWith("F");
        if (far) {
          SpecialValues.put(bytes, operandSize, 2, codeSelector(random, mode));
        }
      }
      case "IRET" -> {
        boolean usual = random.nextInt(4) != 0;
        long stack = HostLayout.STACK_ADDRESS + 8 * random.nextInt(0x40, 0x1c0);
        long[] frame = {
          inCode,
          usual ? mode.codeSelector : codeSelector(random, mode),
          random.nextLong() & RETURNED_FLAGS,
          stack,
          usual ? 0x2b : dataSelector(random)
        };
        for (int n = 0; n < frame.length; n++) {
          SpecialValues.put(bytes, n * operandSize, operandSize, frame[n]);
        }
      }
      case "POP", "MOV" -> {
        if (row.operands().getFirst().kind() == OperandType.Kind.SEGMENT) {
          SpecialValues.put(bytes, 0, 2, dataSelector(random));
        }
      }
      case "LDS", "LES", "LSS", "LFS", "LGS" ->
          SpecialValues.put(bytes, operandSize, 2, dataSelector(random));
      default -> {}
    }
  }

  /** Returns a selector of Linux's GDT, or near one, that a far jump may be tried with. */
  static int codeSelector(SplittableRandom random, Mode mode) {
    int[] choices = {
      mode.codeSelector, mode.codeSelector, 0x23, 0x33, 0x2b, 0, 3, 0x10, 0x18, 0x20
    };
    return choices[random.nextInt(choices.length)];
  }

  /**
   * Returns a selector of Linux's GDT, or near one, that a data segment register may be loaded
   * with.
   */
  static int dataSelector(SplittableRandom random) {
    int[] choices = {
      0x2b, 0x2b, 0x2b, 0x23, 0x33, 0, 1, 3, 0x28, 0x2a, 0x10, 0x18, 0x1b, 0x20, 0x2f
    };
    return choices[random.nextInt(choices.length)];
  }
}
