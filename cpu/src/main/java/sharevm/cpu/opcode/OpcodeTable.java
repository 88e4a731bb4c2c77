package sharevm.cpu.opcode;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import sharevm.cpu.CpuFeature;
import sharevm.cpu.CpuModel;

/**
 * All instruction forms, one row each, in the manual's notation: the one source for decoder,
 * disassembler, dispatch, translator and tests. The rows are in the text files beside this class.
 *
 * <pre>
 * opcode               | instruction          | flags and attributes
 * 01 /r                | ADD r/m, r           | w=OSZAPC LOCK
 * 66 0F 38 00 /r       | PSHUFB xmm, xmm/m128 | SSE ALIGN
 * </pre>
 *
 * Opcode column: an optional mandatory prefix (NP: none of 66, F2, F3), bytes, REX.W or W0, /r,
 * /digit, +r (register in the opcode), or a whole ModRM byte behind the opcode (0F 01 F8). Operands
 * are the manual's; without a number (r/m, r, imm) they have the operand size; (rm) marks a
 * register that is named by ModRM.rm and may not be memory. Flags: r= read, w= written, u= left
 * undefined. needs= names the {@link CpuFeature} that the form came with; where CPUID has no bit
 * for it, one of the same processors. Attributes: {@link Opcode.Attribute}. A line that starts with
 * # is a comment.
 */
public final class OpcodeTable {
  private static final String[] FILES = {
    "general.txt", "system.txt", "x87.txt", "mmx.txt", "sse.txt"
  };

  private final List<Opcode> rows;
  private final Opcode[][][] byMapAndCode = new Opcode[4][256][];

  private OpcodeTable(List<Opcode> rows) {
    this.rows = List.copyOf(rows);
    for (Opcode row : rows) {
      int codes = row.has(OperandType.Field.OPCODE) ? 8 : 1;
      for (int i = 0; i < codes; i++) {
        place(row, row.code() + i);
      }
    }
  }

  /** Reads the table. */
  public static OpcodeTable load() {
    List<Opcode> rows = new ArrayList<>();
    for (String file : FILES) {
      read(file, rows);
    }
    return new OpcodeTable(rows);
  }

  /** Returns the table of a processor: without the rows whose features it has not. */
  public OpcodeTable of(CpuModel model) {
    return new OpcodeTable(
        rows.stream().filter(row -> row.needs().map(model::has).orElse(true)).toList());
  }

  /** Returns all rows in the order of the files. */
  public List<Opcode> rows() {
    return rows;
  }

  /**
   * Returns the rows at a place in a map, or null where there is none; the decoder takes the first
   * that fits.
   */
  public Opcode[] at(int map, int code) {
    return byMapAndCode[map][code];
  }

  /** Puts rows with a mandatory prefix or a whole ModRM byte before those that take anything. */
  private void place(Opcode row, int code) {
    Opcode[] old = byMapAndCode[row.map()][code];
    Opcode[] grown = old == null ? new Opcode[1] : Arrays.copyOf(old, old.length + 1);
    int at = grown.length - 1;
    while (at > 0 && rank(grown[at - 1]) < rank(row)) {
      grown[at] = grown[at - 1];
      at--;
    }
    grown[at] = row;
    byMapAndCode[row.map()][code] = grown;
  }

  private static int rank(Opcode row) {
    return (row.exactModrm() >= 0 ? 2 : 0) + (row.prefix() != Opcode.Prefix.ANY ? 1 : 0);
  }

  private static void read(String file, List<Opcode> rows) {
    try (InputStream in = OpcodeTable.class.getResourceAsStream(file)) {
      if (in == null) {
        throw new IllegalStateException("the opcode table's part " + file + " is missing");
      }
      BufferedReader reader =
          new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII));
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        if (!line.isBlank() && !line.startsWith("#")) {
          rows.add(OpcodeParser.parse(line));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
