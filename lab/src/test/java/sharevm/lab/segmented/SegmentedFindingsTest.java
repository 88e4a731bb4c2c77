package sharevm.lab.segmented;

import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import sharevm.cpu.CpuState;
import sharevm.lab.Engines;
import sharevm.lab.lockstep.Difference;
import sharevm.lab.segmented.GuestSegment.Range;
import sharevm.translator.Translator;

/** What lock-step runs have found in the translator, each once more by hand. */
@EnabledOnOs(value = OS.LINUX, architectures = "amd64")
final class SegmentedFindingsTest {
  private static final int WORLDS = 4;

  private static boolean hasRoom(Setting setting) {
    return setting.initial().get(CpuState.DS).endless();
  }

  /** FLD of ten bytes at FFFFH has its last two at 7, where eight at once would not wrap. */
  @ParameterizedTest
  @EnumSource(names = {"UNREAL", "PROTECTED_16", "PROTECTED_16_PAGED", "PROTECTED_16_USER"})
  void operandInTwoPartsWrapsInTheSecondAlone(SegmentedMode mode) throws Difference {
    // fninit; mov bx, 0ffffh; mov cx, 40; again: fld tbyte [bx]; fstp st(0); loop again; int3
    String code = "db e3  bb ff ff  b9 28 00  db 2f  dd d8  e2 fa  cc";

    alike(mode, SegmentedFindingsTest::hasRoom, code);
  }

  /** Runs code, given as hexadecimal digits, on both engines in some of the worlds that suit it. */
  private static void alike(SegmentedMode mode, Predicate<Setting> suits, String code)
      throws Difference {
    byte[] bytes = HexFormat.of().parseHex(code.replace(" ", ""));
    SegmentedLockstep pair = new SegmentedLockstep(Translator.factory(Engines.translatesAll()));
    long seed = 0;
    for (int n = 0; n < WORLDS; n++) {
      while (!suits.test(SettingMaker.make(mode, ++seed))) {}
      pair.run(program(SettingMaker.make(mode, seed), bytes), seed);
    }
  }

  /** A program that ends with its last byte. */
  private static SegmentedProgram program(Setting setting, byte[] bytes) {
    long origin = setting.origin();
    long last = origin + bytes.length - 1;
    byte[] code = new byte[(int) last + 1];
    System.arraycopy(bytes, 0, code, (int) origin, bytes.length);
    List<Range> islands = List.of(new Range(origin, last));
    return new SegmentedProgram(
        setting, code, islands, List.of(), origin, last, Map.of(), false, List.of(), List.of());
  }
}
