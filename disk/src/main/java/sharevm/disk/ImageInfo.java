package sharevm.disk;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What an image is.
 *
 * @param file its path
 * @param format the format's name: raw, qcow2, vhd, vhdx, vmdk, vdi
 * @param variant the format's variant, such as "dynamic" or "streamOptimized"
 * @param size the disk's size in bytes
 * @param sectorSize 512 or 4096
 * @param blockSize the unit of allocation in bytes; 1 when everything is always there
 * @param files the files it consists of, with their lengths in bytes
 * @param properties further facts, in the order to show them
 * @param oddities what is unusual about it, a sentence each
 * @param snapshots the internal snapshots
 * @param parent the image below, when this one is a link of a chain
 */
public record ImageInfo(
    String file,
    String format,
    String variant,
    long size,
    int sectorSize,
    long blockSize,
    Map<String, Long> files,
    Map<String, String> properties,
    List<String> oddities,
    List<Snapshot> snapshots,
    Optional<ImageInfo> parent) {}
