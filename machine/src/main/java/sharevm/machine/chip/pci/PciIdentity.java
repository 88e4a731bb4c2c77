package sharevm.machine.chip.pci;

/**
 * What a PCI function says it is. @ref [PCI] 6.2.1
 *
 * @param vendor Vendor ID, 16 bits
 * @param device Device ID, 16 bits
 * @param classCode base class, sub-class and programming interface, 24 bits
 * @param revision Revision ID, 8 bits
 * @param subsystemVendor Subsystem Vendor ID, 16 bits
 * @param subsystem Subsystem ID, 16 bits
 */
public record PciIdentity(
    int vendor, int device, int classCode, int revision, int subsystemVendor, int subsystem) {}
