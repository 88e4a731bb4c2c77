/** The PC: memory map, buses, chips, firmware. */
module sharevm.machine {
  requires transitive sharevm.cpu;
  requires sharevm.disk;

  exports sharevm.machine.bus;
}
