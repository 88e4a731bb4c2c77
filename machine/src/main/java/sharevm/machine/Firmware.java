package sharevm.machine;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuFeature;
import sharevm.machine.bus.GuestMemory;
import sharevm.machine.bus.PortBus;
import sharevm.machine.firmware.Acpi;
import sharevm.machine.firmware.Bios;
import sharevm.machine.firmware.EntryState;
import sharevm.machine.firmware.FwCfg;
import sharevm.machine.firmware.GuestFile;
import sharevm.machine.firmware.KernelLoader;
import sharevm.machine.firmware.LinuxBoot;
import sharevm.machine.firmware.MemoryMap;
import sharevm.machine.firmware.PhysicalMemory;
import sharevm.machine.firmware.Rom;
import sharevm.machine.firmware.Smbios;

/**
 * What a PC's firmware has done when the operating system begins: ROM, tables, kernel in memory.
 */
final class Firmware {
  private static final long LOW_ROM = 0xF_0000;
  private static final long HIGH_ROM = 0xFFFF_0000L;
  private static final String VERSION = "0.1";

  private final MachineSpec spec;
  private final PhysicalMemory physical;
  private final MemoryMap map;
  private final FwCfg fwCfg;
  private final Rom rom;

  Firmware(MachineSpec spec, HostSide host, GuestMemory memory) {
    this.spec = spec;
    physical =
        new PhysicalMemory(
            memory.segment(),
            memory.lowTop(),
            memory.highTop() - PhysicalMemory.HIGH_BASE,
            host.pages());
    map = MemoryMap.of(physical);
    rom = new Rom(memory);
    new Bios(memory, map, host.debugConsole()).install(rom);
    Smbios smbios = new Smbios(spec.uuid(), VERSION, spec.cpus(), spec.memoryBytes());
    byte[] image = Rom.image(smbios.image(LOW_ROM));
    memory.rom(LOW_ROM, image);
    memory.rom(HIGH_ROM, image);
    fwCfg = new FwCfg(memory);
    fwCfg.put16(FwCfg.CPU_COUNT, spec.cpus());
    fwCfg.put16(FwCfg.MAX_CPUS, spec.cpus());
    fwCfg.put64(FwCfg.RAM_SIZE, spec.memoryBytes());
    fwCfg.file("etc/e820", map.fwCfgFile());
    spec.boot().ifPresent(fwCfg::kernel);
  }

  FwCfg fwCfg() {
    return fwCfg;
  }

  Rom rom() {
    return rom;
  }

  void wire(PortBus ports) {
    ports.map(FwCfg.PORT, FwCfg.PORTS, fwCfg);
    ports.map(Rom.PORT, Rom.PORTS, rom);
  }

  /** Puts tables and kernel into memory and the processor at the kernel's first instruction. */
  void enter(Cpu cpu) {
    long rsdp = new Acpi(new Acpi.Platform(spec.cpus(), false)).write(physical, map);
    Bios.writeData(physical, rsdp);
    if (spec.boot().isPresent()) {
      boolean longMode = spec.model().has(CpuFeature.LONG_MODE);
      LinuxBoot boot = spec.boot().get().withLongMode(longMode);
      EntryState entry = new KernelLoader(physical, map, rsdp).load(boot);
      EntryWriter.apply(entry, cpu);
      boot.kernel().unload();
      boot.initrd().ifPresent(GuestFile::unload);
    }
  }
}
