package sharevm.machine.chip.pci;

/**
 * The host bridge 82441FX as function 0 of device 0, with the registers that map memory below 1
 * MiB.
 */
public final class I440fx {
  /** PAM[6:0], Programmable Attribute Map Registers, 59h to 5Fh. @ref [82441FX] "PAM" */
  private static final int ATTRIBUTES = 0x59;

  private static final int ATTRIBUTE_REGISTERS = 7;

  /** SMRAM, System Management RAM Control Register. @ref [82441FX] "SMRAM" */
  private static final int SMRAM = 0x72;

  /** PAM: reads go to RAM (RE). */
  private static final int READ_ENABLE = 1;

  /** PAM: writes go to RAM (WE). */
  private static final int WRITE_ENABLE = 1 << 1;

  /** All of both halves enabled: as firmware leaves it when all is RAM. */
  private static final int ALL_RAM = 0x33;

  private static final PciIdentity IDENTITY =
      new PciIdentity(0x8086, 0x1237, 0x06_0000, 0x02, 0x0000, 0x0000);

  /** Says where pages below 1 MiB are read and written. */
  @FunctionalInterface
  public interface Shadow {
    /** Sends reads and writes of a range to RAM or elsewhere. */
    void set(long base, long length, boolean readRam, boolean writeRam);
  }

  private final PciConfig config = new PciConfig(IDENTITY);
  private final Shadow shadow;

  /**
   * Makes one whose attribute registers say that all is RAM, and act when they are first written.
   *
   * @param shadow is told what the attribute registers say
   */
  public I440fx(Shadow shadow) {
    this.shadow = shadow;
    config.set(PciConfig.COMMAND, 2, 0x0006);
    config.writable(PciConfig.COMMAND, 2, 0x0100);
    config.set(PciConfig.STATUS, 2, 0x0280);
    for (int i = 0; i < ATTRIBUTE_REGISTERS; i++) {
      config.set(ATTRIBUTES + i, 1, i == 0 ? ALL_RAM & 0xF0 : ALL_RAM);
      config.writable(ATTRIBUTES + i, 1, i == 0 ? ALL_RAM & 0xF0 : ALL_RAM);
    }
    config.set(SMRAM, 1, 0x02);
    config.writable(SMRAM, 1, 0x78);
    config.onWrite(this::written);
  }

  /** Returns the configuration space. */
  public PciConfig config() {
    return config;
  }

  private void written(int offset, int size) {
    if (offset == 0 && size == PciConfig.BYTES) {
      // After a reset or restore the memory map restores itself.
      return;
    }
    for (int i = 0; i < ATTRIBUTE_REGISTERS; i++) {
      int register = ATTRIBUTES + i;
      if (register >= offset && register < offset + size) {
        int value = config.get(register, 1);
        if (i == 0) {
          apply(0xF_0000, 0x1_0000, value >> 4);
        } else {
          long base = 0xC_0000 + (i - 1) * 0x8000L;
          apply(base, 0x4000, value);
          apply(base + 0x4000, 0x4000, value >> 4);
        }
      }
    }
  }

  private void apply(long base, long length, int attributes) {
    shadow.set(base, length, (attributes & READ_ENABLE) != 0, (attributes & WRITE_ENABLE) != 0);
  }
}
