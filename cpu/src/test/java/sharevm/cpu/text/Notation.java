package sharevm.cpu.text;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.opcode.OperandType.Kind;

/** What objdump writes otherwise than we do. */
final class Notation {
  /** Names to which objdump adds a letter for the size, or we do. */
  private static final Pattern SIZED =
      Pattern.compile(
          "^(pushf|pusha|push|popf|popa|pop|enter|leave|retf|ret|iret|fldenv|fnstenv|frstor|fnsave"
              + "|sgdt|sidt|lgdt|lidt|sysret|sysexit|pcmpestri|pcmpestrm)[wdq]\\b");

  /** Displacements from RIP are shown without sign. */
  private static final Pattern NEGATIVE = Pattern.compile("([re]ip)\\+0x(f{8}[89a-f][0-9a-f]{7})");

  /** Absolute addresses by a SIB byte are shown with a register that is always zero. */
  private static final Pattern ABSOLUTE =
      Pattern.compile("\\[([re])iz\\*[1248]([+-])0x([0-9a-f]+)\\]");

  /** Some immediates are a part of the name. */
  private static final Pattern PREDICATE =
      Pattern.compile("^cmp(eq|lt|le|unord|neq|nlt|nle|ord)([ps][sd]) (.*)$");

  private static final List<String> PREDICATES =
      List.of("eq", "lt", "le", "unord", "neq", "nlt", "nle", "ord");

  private static final Pattern HALVES = Pattern.compile("^pclmul([lh])q([lh])qdq (.*)$");

  /** Undocumented forms, or forms with prefixes that do nothing, which objdump takes for data. */
  private static final Set<String> UNKNOWN =
      Set.of(
          "WBINVD", "LFENCE", "MFENCE", "SFENCE", "FCOM", "FCOMP", "FSTP", "FSTPNCE", "FXCH",
          "SALC");

  /**
   * Hints have names of their own; FWAIT takes the prefixes before it for another instruction's.
   */
  private static final Set<String> NAMED_OTHERWISE = Set.of("HINT", "PREFETCH", "FWAIT");

  /**
   * The memory operand has two parts, of which we tell the size of one; or a far pointer's size is
   * told for Intel.
   */
  private static final Set<String> SIZED_OTHERWISE =
      Set.of("BOUND", "LSS", "LFS", "LGS", "JMP", "CALL");

  /**
   * Of the source register 16 bits are read; with REX.W the destination is shown as 64 bits wide.
   */
  private static final Set<String> WIDE =
      Set.of(
          "LAR",
          "LSL",
          "PMOVMSKB",
          "MOVMSKPS",
          "MOVMSKPD",
          "PEXTRW",
          "PEXTRB",
          "EXTRACTPS",
          "PINSRW",
          "PINSRB");

  private Notation() {}

  /** Returns a text without what the two notations differ in. */
  static String normalized(String text) {
    String common =
        text.toLowerCase(Locale.ROOT)
            .replaceAll("\\s*#.*", "")
            .replaceAll("^((rex(\\.[wrxb]+)?|data16|addr32|addr16|data32) +)+", "")
            .replaceAll("\\s+", " ")
            .replace(", ", ",")
            .replaceAll("\\+[re]iz\\*[1248]", "")
            .replaceAll("\\+0x0\\]", "]")
            .replaceAll("\\b([c-g]s):0x([0-9a-f]+)", "$1:[0x$2]")
            .replace("ds:[", "[")
            .replace("oword ptr", "xmmword ptr")
            .replaceAll("^(lddqu|invpcid) (\\w+),xmmword ptr ", "$1 $2,")
            .replaceAll("^(movabs|mov) (\\w+),\\w+ ptr \\[0x", "mov $2,[0x")
            .replaceAll("^(movabs|mov) (\\w+ ptr )?\\[0x(\\w+)\\]", "mov [0x$3]")
            .replaceAll("^movabs ", "mov ")
            .replaceAll("\\(\\d+ only\\)$", "")
            .strip();
    common = SIZED.matcher(common).replaceAll("$1");
    common =
        PREDICATE.matcher(common).replaceAll(m -> "cmp$2 $3,0x" + PREDICATES.indexOf(m.group(1)));
    common = HALVES.matcher(common).replaceAll(m -> "pclmulqdq $3,0x" + halves(m));
    common = ABSOLUTE.matcher(common).replaceAll(Notation::absolute);
    return NEGATIVE
        .matcher(common)
        .replaceAll(
            m -> m.group(1) + "-0x" + Long.toHexString(-Long.parseUnsignedLong(m.group(2), 16)));
  }

  private static String halves(MatchResult match) {
    int immediate = (match.group(1).equals("h") ? 1 : 0) | (match.group(2).equals("h") ? 0x10 : 0);
    return Integer.toHexString(immediate);
  }

  private static String absolute(MatchResult match) {
    long value = Long.parseUnsignedLong(match.group(3), 16);
    long signed = match.group(2).equals("-") ? -value : value;
    long mask = match.group(1).equals("e") ? 0xffff_ffffL : -1L;
    return "[0x" + Long.toHexString(signed & mask) + "]";
  }

  /**
   * Returns whether it is known why the texts of an instruction differ. That of PCLMULQDQ is a slip
   * of objdump's: it takes immediate 2 for 10h and 3 for 11h.
   */
  static boolean isKnownDifference(Instruction instruction, String objdump) {
    String mnemonic = instruction.opcode.mnemonic();
    boolean toSegment =
        instruction.opcode.operands().stream().limit(1).anyMatch(o -> o.kind() == Kind.SEGMENT);
    return objdump.equals("(bad)") && UNKNOWN.contains(mnemonic)
        || NAMED_OTHERWISE.contains(mnemonic)
        || SIZED_OTHERWISE.contains(mnemonic) && instruction.memory
        || WIDE.contains(mnemonic) && !instruction.memory
        || mnemonic.equals("MOV") && toSegment
        || mnemonic.equals("PCLMULQDQ") && (instruction.immediate & ~0x11) != 0
        || mnemonic.equals("XCHG") && instruction.destination == instruction.source;
  }
}
