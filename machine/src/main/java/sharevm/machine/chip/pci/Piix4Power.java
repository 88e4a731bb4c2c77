package sharevm.machine.chip.pci;

import sharevm.machine.bus.PortBus;

/**
 * The power management function of the PIIX4: it says where the ACPI registers and the system
 * management bus are, and moves them when told.
 */
public final class Piix4Power {
  /** PMBA, Power Management Base Address. @ref [PIIX4] 7.1 */
  private static final int POWER_BASE = 0x40;

  /** PMREGMISC, Miscellaneous Power Management: bit 0 enables the registers. @ref [PIIX4] 7.1 */
  private static final int POWER_ENABLE = 0x80;

  /** SMBBA, SMBus Base Address. @ref [PIIX4] 7.1 */
  private static final int BUS_BASE = 0x90;

  /** SMBHSTCFG, SMBus Host Configuration: bit 0 enables it. @ref [PIIX4] 7.1 */
  private static final int BUS_ENABLE = 0xD2;

  private static final int IO_SPACE = 1;
  private static final int POWER_MASK = 0xFFC0;
  private static final int BUS_MASK = 0xFFF0;

  private static final PciIdentity IDENTITY =
      new PciIdentity(0x8086, 0x7113, 0x06_8000, 0x03, 0x0000, 0x0000);

  private final PciConfig config = new PciConfig(IDENTITY);
  private final PortBus.Window power;
  private final PortBus.Window bus;

  /**
   * Makes one as firmware leaves it, with both register blocks shown.
   *
   * @param power the ACPI registers
   * @param powerBase their first port, a multiple of 64
   * @param bus the system management bus's registers
   * @param busBase their first port, a multiple of 16
   * @param interrupt what the Interrupt Line register says: the SCI's number
   */
  public Piix4Power(
      PortBus.Window power, int powerBase, PortBus.Window bus, int busBase, int interrupt) {
    this.power = power;
    this.bus = bus;
    config.multiFunction();
    config.set(PciConfig.COMMAND, 2, 0x0001);
    config.set(PciConfig.STATUS, 2, 0x0280);
    config.set(PciConfig.INTERRUPT_LINE, 1, interrupt);
    config.set(PciConfig.INTERRUPT_LINE + 1, 1, 1);
    config.set(POWER_BASE, 4, powerBase | IO_SPACE);
    config.writable(POWER_BASE, 4, POWER_MASK);
    config.set(POWER_ENABLE, 1, 1);
    config.writable(POWER_ENABLE, 1, 1);
    config.set(BUS_BASE, 4, busBase | IO_SPACE);
    config.writable(BUS_BASE, 4, BUS_MASK);
    config.set(BUS_ENABLE, 1, 1);
    config.writable(BUS_ENABLE, 1, 0x0F);
    config.onWrite((_, _) -> place());
    place();
  }

  /** Returns the configuration space. */
  public PciConfig config() {
    return config;
  }

  private void place() {
    boolean io = (config.get(PciConfig.COMMAND, 2) & 1) != 0;
    show(power, config.get(POWER_BASE, 4) & POWER_MASK, config.get(POWER_ENABLE, 1));
    show(bus, io ? config.get(BUS_BASE, 4) & BUS_MASK : 0, config.get(BUS_ENABLE, 1));
  }

  private static void show(PortBus.Window window, int base, int enable) {
    if ((enable & 1) != 0 && base != 0) {
      window.moveTo(base);
    } else {
      window.hide();
    }
  }
}
