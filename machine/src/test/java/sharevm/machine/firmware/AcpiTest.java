package sharevm.machine.firmware;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AcpiTest {
  private static final Path IASL = Path.of("/usr/bin/iasl");

  @TempDir Path folder;

  private final Map<Long, byte[]> tables =
      new Acpi(new Acpi.Platform(4, false)).tables(0x3FF0000, 0x3FFF000);

  @Test
  void theRootLeadsToEveryTable() {
    Guest guest = new Guest(64);
    long rsdp = new Acpi(new Acpi.Platform(16, true)).write(guest.memory, guest.map);
    assertThat(guest.memory.u64(rsdp)).isEqualTo(0x2052545020445352L);
    assertThat(Bytes.checksum(guest.memory.read(rsdp, 20), 0, 20)).isZero();
    assertThat(Bytes.checksum(guest.memory.read(rsdp, 36), 0, 36)).isZero();
    long xsdt = guest.memory.u64(rsdp + 24);
    long fadt = guest.memory.u64(xsdt + 36);
    long madt = guest.memory.u64(xsdt + 44);
    long dsdt = guest.memory.u64(fadt + 140);
    assertThat(guest.memory.u32(fadt)).isEqualTo(0x50434146L);
    assertThat(guest.memory.u32(madt)).isEqualTo(0x43495041L);
    assertThat(guest.memory.u32(dsdt)).isEqualTo(0x54445344L);
    assertThat(guest.memory.u32(guest.memory.u32(fadt + 36))).isEqualTo(0x53434146L);
    assertThat(guest.memory.u32(fadt + 4)).isEqualTo(276);
    assertThat(guest.memory.u32(fadt + 76)).isEqualTo(PcLayout.PM_TIMER);
    for (long table : new long[] {xsdt, fadt, madt, dsdt}) {
      int length = (int) guest.memory.u32(table + 4);
      assertThat(Bytes.checksum(guest.memory.read(table, length), 0, length)).isZero();
    }
    long last = dsdt + guest.memory.u32(dsdt + 4);
    assertThat(last).isLessThan(guest.map.nvs());
  }

  /**
   * The reference compiler reads every table and compiles again what it made of the DSDT, with no
   * remark.
   */
  @Test
  void theReferenceDisassemblerReadsThem() throws IOException, InterruptedException {
    assumeTrue(Files.isExecutable(IASL), "no iasl (package acpica-tools)");
    for (byte[] table : tables.values()) {
      String signature = new String(table, 0, 4, StandardCharsets.US_ASCII);
      if (signature.equals("RSD ")) {
        continue;
      }
      Path file = folder.resolve(signature + ".aml");
      Files.write(file, table);
      String said = run("-d", file.toString());
      assertThat(said).doesNotContainIgnoringCase("error").doesNotContainIgnoringCase("warning");
      String source = Files.readString(folder.resolve(signature + ".dsl"));
      assertThat(source).doesNotContain("Invalid").doesNotContain("Incorrect");
      if (signature.equals("DSDT")) {
        assertThat(source)
            .contains(
                "Device (PCI0)", "EisaId (\"PNP0A03\") /* PCI Bus */", "Name (\\_S5, Package");
        String again = run(folder.resolve("DSDT.dsl").toString());
        assertThat(again).contains("0 Errors, 0 Warnings");
      }
    }
  }

  private String run(String... arguments) throws IOException, InterruptedException {
    String[] command = new String[arguments.length + 1];
    command[0] = IASL.toString();
    System.arraycopy(arguments, 0, command, 1, arguments.length);
    Process process =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return said;
  }
}
