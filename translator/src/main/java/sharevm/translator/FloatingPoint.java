package sharevm.translator;

import static sharevm.translator.Assembler.NOT_EQUAL;
import static sharevm.translator.Assembler.RAX;
import static sharevm.translator.Assembler.RDX;
import static sharevm.translator.Registers.TEMP;

import java.util.Set;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.opcode.Opcode;
import sharevm.cpu.opcode.Opcode.Attribute;
import sharevm.translator.Assembler.Code;
import sharevm.translator.Assembler.Place;
import sharevm.translator.ExitSite.Kind;

/**
 * x87 instructions, executed by the host's own unit on the guest's registers, which are brought
 * there when a block first wants them. The mode key sees to it that all exceptions are masked, so
 * that nothing on the host ever traps.
 *
 * <p>The pointers to the last instruction and its operand (Intel SDM Vol. 1 8.1.8) are not the
 * host's: code notes which exit site names the instruction, and Java works them out when it comes
 * to it.
 */
final class FloatingPoint {
  /** Instructions that neither wait for exceptions nor note where they are, or that do nothing. */
  private static final Set<String> CONTROL = Set.of("FNSTSW", "FNSTCW", "FLDCW", "FNOP", "FWAIT");

  /** Instructions with results that are not the same on all processors, or of rare use. */
  private static final Set<String> JAVAS =
      Set.of(
          "F2XM1", "FYL2X", "FYL2XP1", "FPTAN", "FPATAN", "FSIN", "FCOS", "FSINCOS", "FNINIT",
          "FNCLEX", "FNENI", "FNDISI", "FNSETPM");

  private static final Set<String> STORES =
      Set.of("FST", "FSTP", "FIST", "FISTP", "FISTTP", "FBSTP", "FNSTCW", "FNSTSW");

  /** Exception masks of the control word: SDM Vol. 1, 8.1.5.1. */
  private static final int MASKS = 0x3f;

  /** Of the state components of XSAVE that of the x87 unit: SDM Vol. 1, 13.1. */
  private static final int COMPONENT = 1;

  private FloatingPoint() {}

  /** Whether an instruction uses x87 or MMX registers. */
  static boolean isFloating(Instruction i) {
    return i.opcode.is(Attribute.X87) || i.opcode.is(Attribute.MMX);
  }

  /** Whether the memory operand of an x87 instruction is written. */
  static boolean writes(Opcode row) {
    return STORES.contains(row.mnemonic());
  }

  /** Returns what emits an x87 instruction in a mode, or null. */
  static InstructionTranslator.Emitter emitter(Instruction i, int modeKey) {
    boolean known =
        (modeKey & ModeKey.X87) != 0
            && i.opcode.is(Attribute.COPY)
            && !JAVAS.contains(i.opcode.mnemonic());
    if (!known) {
      return null;
    }
    return switch (i.opcode.mnemonic()) {
      case "FNOP", "FWAIT" -> (t, n) -> {};
      case "FLDCW" -> FloatingPoint::loadControl;
      default -> FloatingPoint::copy;
    };
  }

  private static void copy(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    Place place =
        i.memory ? t.memory().probe(i, Copy.memorySize(i), Copy.writesMemory(i), false) : null;
    if (i.opcode.flagsRead() != 0) {
      t.restoreFlags();
    }
    boolean notes = !CONTROL.contains(i.opcode.mnemonic());
    int note = notes ? t.site(Kind.INSTRUCTION, 0, 0, false) : 0;
    if (notes) {
      note(a, Context.X87_LAST, note);
    }
    if (i.memory) {
      a.memory(Code.of(i.opcode.code()), i.modrm >> 3 & 7, place);
    } else {
      a.byte1(i.opcode.code());
      a.byte1(i.modrm);
    }
    if (i.memory && notes) {
      t.memory().offset(i, TEMP);
      a.store(Context.at(Context.X87_ADDRESS), TEMP);
      note(a, Context.X87_LAST_DATA, note);
    }
    if (i.opcode.flagsWritten() != 0) {
      t.flagsWritten();
    }
  }

  private static void note(Assembler a, int at, int number) {
    a.memory(Code.of(0xc7), 0, Context.at(at));
    a.byte4(number);
  }

  /** FLDCW: a word that unmasks something is Java's. It is read once, as others may write to it. */
  private static void loadControl(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    Place place = t.memory().probe(i, 2, false, false);
    t.freeFlags();
    a.memory(Code.LOAD_WORD, TEMP, place);
    a.memory(Code.of(0x89), TEMP, Context.at(Context.X87_CONTROL));
    a.registers(Code.of(0xf7), 2, TEMP);
    a.test(TEMP, MASKS);
    t.leaveToJavaIf(NOT_EQUAL);
    a.memory(Code.of(0xd9), 5, Context.at(Context.X87_CONTROL));
  }

  /** Emits XRSTOR of the guest's x87 registers; uses RAX and RDX. */
  static void emitLoad(Assembler a) {
    component(a);
    a.memory(Code.of0f(0xae), 5, Context.at(Context.X87));
  }

  /** Emits XSAVE of them, and FNINIT, as the host's code wants it; uses RAX and RDX. */
  static void emitSave(Assembler a) {
    component(a);
    a.memory(Code.of0f(0xae), 4, Context.at(Context.X87));
    a.byte1(0xdb);
    a.byte1(0xe3);
  }

  private static void component(Assembler a) {
    a.constant(RAX, COMPONENT);
    a.constant(RDX, 0);
  }
}
