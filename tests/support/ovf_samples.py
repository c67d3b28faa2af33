"""Descriptors in the shapes in which VirtualBox, VMware and oVirt write them, and one of ours."""

from __future__ import annotations

from typing import Final

from guestwright.ovf.model import Descriptor, Disk, File, Format, Nic, Payload

VIRTUALBOX: Final = """<?xml version="1.0"?>
<Envelope ovf:version="1.0" xml:lang="en-US" xmlns="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
  xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData"
  xmlns:vbox="http://www.virtualbox.org/ovf/machine">
  <References><File ovf:id="file1" ovf:href="deb-disk001.vmdk" ovf:size="69120"/></References>
  <DiskSection>
    <Info>List of the virtual disks used in the package</Info>
    <Disk ovf:capacity="8589934592" ovf:diskId="vmdisk1" ovf:fileRef="file1"
      ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"
      vbox:uuid="6e9f2f3d-9ef4-4df8-9b1d-3c3e2f1f0a11"/>
  </DiskSection>
  <NetworkSection>
    <Info>Logical networks used in the package</Info>
    <Network ovf:name="NAT"><Description>Logical network used by this appliance.</Description></Network>
  </NetworkSection>
  <VirtualSystem ovf:id="deb">
    <Info>A virtual machine</Info>
    <ProductSection><Info>Meta-information</Info><Product>Debian</Product></ProductSection>
    <AnnotationSection><Info>A note</Info><Annotation>For tests</Annotation></AnnotationSection>
    <OperatingSystemSection ovf:id="96">
      <Info>The kind of installed guest operating system</Info>
      <Description>Debian_64</Description>
      <vbox:OSType ovf:required="false">Debian_64</vbox:OSType>
    </OperatingSystemSection>
    <VirtualHardwareSection>
      <Info>Virtual hardware requirements for a virtual machine</Info>
      <System><vssd:ElementName>Virtual Hardware Family</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID>
        <vssd:VirtualSystemType>virtualbox-2.2</vssd:VirtualSystemType></System>
      <Item><rasd:Caption>2 virtual CPU</rasd:Caption><rasd:InstanceID>1</rasd:InstanceID>
        <rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>2</rasd:VirtualQuantity></Item>
      <Item><rasd:AllocationUnits>MegaBytes</rasd:AllocationUnits><rasd:Caption>1024 MB</rasd:Caption>
        <rasd:InstanceID>2</rasd:InstanceID><rasd:ResourceType>4</rasd:ResourceType>
        <rasd:VirtualQuantity>1024</rasd:VirtualQuantity></Item>
      <Item><rasd:Address>0</rasd:Address><rasd:Caption>ideController0</rasd:Caption>
        <rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceSubType>PIIX4</rasd:ResourceSubType>
        <rasd:ResourceType>5</rasd:ResourceType></Item>
      <Item><rasd:Address>0</rasd:Address><rasd:Caption>sataController0</rasd:Caption>
        <rasd:InstanceID>5</rasd:InstanceID><rasd:ResourceSubType>AHCI</rasd:ResourceSubType>
        <rasd:ResourceType>20</rasd:ResourceType></Item>
      <Item ovf:required="false"><rasd:Caption>usb</rasd:Caption><rasd:InstanceID>6</rasd:InstanceID>
        <rasd:ResourceType>23</rasd:ResourceType></Item>
      <Item ovf:required="false"><rasd:Caption>sound</rasd:Caption><rasd:InstanceID>7</rasd:InstanceID>
        <rasd:ResourceSubType>ensoniq1371</rasd:ResourceSubType><rasd:ResourceType>35</rasd:ResourceType></Item>
      <Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:Caption>disk1</rasd:Caption>
        <rasd:HostResource>/disk/vmdisk1</rasd:HostResource><rasd:InstanceID>8</rasd:InstanceID>
        <rasd:Parent>5</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>
      <Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:Caption>cdrom1</rasd:Caption>
        <rasd:InstanceID>9</rasd:InstanceID><rasd:Parent>3</rasd:Parent>
        <rasd:ResourceType>15</rasd:ResourceType></Item>
      <Item><rasd:AutomaticAllocation>true</rasd:AutomaticAllocation><rasd:Connection>NAT</rasd:Connection>
        <rasd:InstanceID>10</rasd:InstanceID><rasd:ResourceSubType>E1000</rasd:ResourceSubType>
        <rasd:ResourceType>10</rasd:ResourceType></Item>
    </VirtualHardwareSection>
    <vbox:Machine ovf:required="false" version="1.16-linux" name="deb" OSType="Debian_64">
      <ovf:Info>Complete VirtualBox machine configuration in VirtualBox format</ovf:Info>
    </vbox:Machine>
  </VirtualSystem>
</Envelope>
"""

VMWARE: Final = """<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
  xmlns:vmw="http://www.vmware.com/schema/ovf"
  xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData">
  <References><File ovf:id="file1" ovf:href="win-1.vmdk" ovf:size="4096"/>
    <File ovf:id="file2" ovf:href="win-2.nvram" ovf:size="8684"/></References>
  <DiskSection><Info>Virtual disk information</Info>
    <Disk ovf:capacity="40" ovf:capacityAllocationUnits="byte * 2^30" ovf:diskId="vmdisk1" ovf:fileRef="file1"
      ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/></DiskSection>
  <NetworkSection><Info>The list of logical networks</Info>
    <Network ovf:name="VM Network"><Description>The network</Description></Network></NetworkSection>
  <DeploymentOptionSection><Info>Sizes</Info>
    <Configuration ovf:id="large"><Label>L</Label><Description>l</Description></Configuration>
    <Configuration ovf:id="small" ovf:default="true"><Label>S</Label><Description>s</Description>
    </Configuration>
  </DeploymentOptionSection>
  <VirtualSystem ovf:id="win"><Info>A virtual machine</Info><Name>win</Name>
    <OperatingSystemSection ovf:id="1" vmw:osType="windows2019srv_64Guest"><Info>The kind</Info>
    </OperatingSystemSection>
    <VirtualHardwareSection><Info>Virtual hardware requirements</Info>
      <System><vssd:ElementName>Virtual Hardware Family</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID>
        <vssd:VirtualSystemIdentifier>win</vssd:VirtualSystemIdentifier>
        <vssd:VirtualSystemType>vmx-15</vssd:VirtualSystemType></System>
      <Item ovf:configuration="small"><rasd:AllocationUnits>hertz * 10^6</rasd:AllocationUnits>
        <rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType>
        <rasd:VirtualQuantity>4</rasd:VirtualQuantity></Item>
      <Item ovf:configuration="large"><rasd:InstanceID>1</rasd:InstanceID>
        <rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>16</rasd:VirtualQuantity></Item>
      <Item><rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits><rasd:InstanceID>2</rasd:InstanceID>
        <rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>8192</rasd:VirtualQuantity></Item>
      <Item><rasd:Address>0</rasd:Address><rasd:InstanceID>3</rasd:InstanceID>
        <rasd:ResourceSubType>lsilogicsas</rasd:ResourceSubType><rasd:ResourceType>6</rasd:ResourceType></Item>
      <Item ovf:required="false"><rasd:InstanceID>5</rasd:InstanceID>
        <rasd:ResourceType>24</rasd:ResourceType><vmw:Config ovf:required="false" vmw:key="videoRamSizeInKB"
        vmw:value="4096"/></Item>
      <Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:HostResource>ovf:/disk/vmdisk1</rasd:HostResource>
        <rasd:InstanceID>9</rasd:InstanceID><rasd:Parent>3</rasd:Parent>
        <rasd:ResourceType>17</rasd:ResourceType></Item>
      <Item><rasd:Connection>VM Network</rasd:Connection><rasd:InstanceID>10</rasd:InstanceID>
        <rasd:ResourceSubType>VmxNet3</rasd:ResourceSubType><rasd:ResourceType>10</rasd:ResourceType></Item>
      <vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="efi"/>
      <vmw:ExtraConfig ovf:required="false" vmw:key="nvram" vmw:value="ovf:/file/file2"/>
    </VirtualHardwareSection>
    <vmw:BootOrderSection vmw:instanceId="9" vmw:type="disk"><Info>Boot order</Info></vmw:BootOrderSection>
    <EulaSection><Info>The licence</Info><License>Words</License></EulaSection>
  </VirtualSystem>
</Envelope>
"""

OVIRT: Final = """<?xml version='1.0' encoding='UTF-8'?>
<ovf:Envelope xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1/"
  xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
  xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ovf:version="4.4.0.0">
  <References><File ovf:href="0f3a1c52-2a0c-4a83-8c6a-6c5d6b6c1f01"
    ovf:id="0f3a1c52-2a0c-4a83-8c6a-6c5d6b6c1f01"
    ovf:size="196616" ovf:description="Active VM" ovf:disk_storage_type="IMAGE"/></References>
  <NetworkSection><Info>List of networks</Info><Network ovf:name="ovirtmgmt"/></NetworkSection>
  <Section xsi:type="ovf:DiskSection_Type"><Info>List of Virtual Disks</Info>
    <Disk ovf:diskId="9d1c5a57-8f1b-41a0-9a0e-0e8d2a9a1b02" ovf:size="5" ovf:actual_size="1"
      ovf:vm_snapshot_id="5f9f" ovf:parentRef="" ovf:fileRef="0f3a1c52-2a0c-4a83-8c6a-6c5d6b6c1f01"
      ovf:format="http://www.vmware.com/specifications/vmdk.html#sparse" ovf:volume-format="RAW"
      ovf:volume-type="Sparse" ovf:disk-interface="VirtIO" ovf:boot="true"/></Section>
  <Content ovf:id="out" xsi:type="ovf:VirtualSystem_Type">
    <Name>golden</Name><Description>An image</Description><CreationDate>2024/01/02 03:04:05</CreationDate>
    <TemplateSealed>true</TemplateSealed><BiosType>1</BiosType>
    <Section ovf:id="00000000-0000-0000-0000-000000000000" ovf:required="false"
      xsi:type="ovf:OperatingSystemSection_Type"><Info>Guest Operating System</Info>
      <Description>rhel_8x64</Description></Section>
    <Section xsi:type="ovf:VirtualHardwareSection_Type"><Info>1 CPU, 2048 Memory</Info>
      <System><vssd:VirtualSystemType>ENGINE 4.4.0.0</vssd:VirtualSystemType></System>
      <Item><rasd:Caption>4 virtual cpu</rasd:Caption><rasd:InstanceId>1</rasd:InstanceId>
        <rasd:ResourceType>3</rasd:ResourceType><rasd:num_of_sockets>2</rasd:num_of_sockets>
        <rasd:cpu_per_socket>2</rasd:cpu_per_socket><rasd:threads_per_cpu>1</rasd:threads_per_cpu></Item>
      <Item><rasd:Caption>2048 MB of memory</rasd:Caption><rasd:InstanceId>2</rasd:InstanceId>
        <rasd:ResourceType>4</rasd:ResourceType><rasd:AllocationUnits>MegaBytes</rasd:AllocationUnits>
        <rasd:VirtualQuantity>2048</rasd:VirtualQuantity></Item>
      <Item><rasd:Caption>disk</rasd:Caption><rasd:InstanceId>9d1c5a57-8f1b-41a0-9a0e-0e8d2a9a1b02</rasd:InstanceId>
        <rasd:ResourceType>17</rasd:ResourceType>
        <rasd:HostResource>0f3a1c52-2a0c-4a83-8c6a-6c5d6b6c1f01</rasd:HostResource><rasd:Parent>0000</rasd:Parent>
        <BootOrder>1</BootOrder></Item>
      <Item><rasd:Caption>nic1</rasd:Caption><rasd:InstanceId>77</rasd:InstanceId>
        <rasd:ResourceType>10</rasd:ResourceType><rasd:ResourceSubType>3</rasd:ResourceSubType>
        <rasd:Connection>ovirtmgmt</rasd:Connection><rasd:Name>nic1</rasd:Name></Item>
      <Item><rasd:Caption>Graphical Controller</rasd:Caption><rasd:InstanceId>78</rasd:InstanceId>
        <rasd:ResourceType>20</rasd:ResourceType><rasd:VirtualQuantity>1</rasd:VirtualQuantity></Item>
      <Item><rasd:Caption>CDROM</rasd:Caption><rasd:InstanceId>79</rasd:InstanceId>
        <rasd:ResourceType>15</rasd:ResourceType></Item>
    </Section>
    <Section xsi:type="ovf:SnapshotsSection_Type"><Snapshot ovf:id="5f9f"/></Section>
  </Content>
</ovf:Envelope>
"""

OURS: Final = Descriptor(
    name="web & <co>",
    description="A web server",
    os_family="linux",
    vcpus=2,
    memory=512 << 20,
    firmware="efi",
    machine="q35",
    files=(
        File(id="f1", name="web-disk1.qcow2", size=196_616),
        File(id="f2", name="web-disk2.raw", size=1 << 20),
    ),
    disks=(
        Disk(
            id="disk1",
            file="f1",
            format=Format.QCOW2,
            uri="http://www.gnome.org/~markmc/qcow-image-format.html",
            capacity=64 << 20,
            bus="virtio",
            target="vda",
        ),
        Disk(
            id="disk2",
            file="f2",
            format=Format.RAW,
            uri="http://en.wikipedia.org/wiki/Byte",
            capacity=1 << 20,
            bus="scsi",
            target="sda",
        ),
    ),
    nics=(Nic(network="lan", model="virtio"), Nic(bridge="br0", model="e1000")),
    drives=("cd", "floppy"),
    payloads=(
        Payload(
            device="cd",
            persistence="permanent",
            name="web",
            form="nocloud",
            label="cidata",
            files=(("meta-data", 20), ("user-data", 120)),
        ),
    ),
    sealed=True,
)
