using LeapAlign.Host.Runtime;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests;

// Threads, tuning and signals belong to the process: tests of them take turns.
[Collection("process")]
public sealed class RuntimeTests
{
    [Fact]
    public void Tuning_says_what_it_did_and_leaves_products_exact()
    {
        var tuned = StartupTuning.Apply(tuning: true, threads: 1);
        Assert.Equal(1, tuned.Threads);
        Assert.Equal(1, get_num_threads());
        Assert.InRange(StartupTuning.MatmulError(), 0, 2e-6);
        if (OperatingSystem.IsLinux() && StartupTuning.IsAllowed) Assert.True(tuned.Allocator);
        // Which it is depends on the processor; that it is one which loses nothing is what the error says.
    }

    [Fact]
    public void Tuning_can_be_left_alone()
    {
        var tuned = StartupTuning.Apply(tuning: false, threads: 0);
        Assert.False(tuned.Allocator);
        Assert.Equal("highest", tuned.Precision);
        Assert.Equal(StartupTuning.DefaultThreads, tuned.Threads);
    }

    [Fact]
    public void The_environment_turns_tuning_off()
    {
        Environment.SetEnvironmentVariable("LEAPALIGN_TUNING", "0");
        try
        {
            Assert.False(StartupTuning.Apply(tuning: true, threads: 1).Allocator);
        }
        finally
        {
            Environment.SetEnvironmentVariable("LEAPALIGN_TUNING", null);
        }
    }

    [Fact]
    public void Cpu_and_auto_are_always_there()
    {
        Assert.Equal(TorchSharp.DeviceType.CPU, DeviceChoice.Resolve("cpu").Value().type);
        Assert.Equal(cuda.is_available() ? TorchSharp.DeviceType.CUDA : TorchSharp.DeviceType.CPU, DeviceChoice.Resolve("auto").Value().type);
    }

    [Fact]
    public void A_device_that_auto_passes_over_is_a_warning()
    {
        var place = new SourcePlace("plugins.json", Key: "run.device");
        var warning = DeviceChoice.Overlooked("auto", CPU, nvidia: true, place)!;
        Assert.Equal((FaultCodes.DeviceNotAvailable, place), (warning.Code, warning.Place));
        Assert.Null(DeviceChoice.Overlooked("auto", CPU, nvidia: false));
        Assert.Null(DeviceChoice.Overlooked("cpu", CPU, nvidia: true));
        Assert.Null(DeviceChoice.Overlooked("auto", new Device(TorchSharp.DeviceType.CUDA, 0), nvidia: true));
    }

    [Fact]
    public void A_device_beyond_the_last_is_a_fault_at_its_place()
    {
        var count = cuda.is_available() ? cuda.device_count() : 0;
        var place = new SourcePlace("plugins.json", 3, 4, "run.device");
        var fault = DeviceChoice.Resolve($"cuda:{count}", place).Fault(FaultCodes.DeviceNotAvailable, $"cuda:{count}", "plugins.json(3,4)");
        Assert.Equal(2, fault.ExitCode);
    }
}
