/** The PC: memory map, buses, chips, firmware. */
module sharevm.machine {
  requires transitive sharevm.cpu;
  requires sharevm.disk;
  requires org.tukaani.xz;

  exports sharevm.machine;
  exports sharevm.machine.bus;
  exports sharevm.machine.chip.uart16550;
  exports sharevm.machine.firmware;
}
