package sharevm.machine.firmware;

/** Finds out what kind of kernel a file is and loads it by the protocol that it speaks. */
public final class KernelLoader {
  private final PhysicalMemory memory;
  private final MemoryMap map;
  private final long rsdp;

  /**
   * Makes a loader for one guest.
   *
   * @param rsdp where the ACPI root pointer is
   */
  public KernelLoader(PhysicalMemory memory, MemoryMap map, long rsdp) {
    this.memory = memory;
    this.map = map;
    this.rsdp = rsdp;
  }

  /**
   * Puts the kernel and what belongs to it into memory.
   *
   * @return the processor's state at its first instruction
   * @throws LoaderException if the file is no kernel, is damaged or does not fit
   */
  public EntryState load(LinuxBoot boot) {
    GuestFile kernel = boot.kernel();
    if (MultibootLoader.fits(kernel)) {
      return new MultibootLoader(memory, map).load(boot);
    }
    if (ElfImage.fits(kernel)) {
      return loadElf(boot);
    }
    if (LinuxLoader.fits(kernel)) {
      return new LinuxLoader(memory, map, rsdp).load(boot);
    }
    throw new LoaderException(
        kernel.size() == 0
            ? kernel.name() + ": empty; give a kernel"
            : kernel.name()
                + ": not a kernel (no bzImage, ELF or Multiboot kernel);"
                + " give a vmlinuz or an ELF kernel");
  }

  /** A PVH note comes first: it is made for this; without one it can but be an unpacked Linux. */
  private EntryState loadElf(LinuxBoot boot) {
    ElfImage elf = ElfImage.parse(boot.kernel());
    if (PvhLoader.fits(elf)) {
      return new PvhLoader(memory, map, rsdp).load(boot, elf);
    }
    return new LinuxLoader(memory, map, rsdp).loadElf(boot, elf);
  }
}
