using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Runtime;
using LeapAlign.Host.Telemetry.Measures;
using LeapAlign.Host.Tests.Live;
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
        var tuned = StartupTuning.Apply(tuning: true, threads: 1, TorchSharp.DeviceType.CPU);
        Assert.Equal(1, tuned.Threads);
        Assert.Equal(1, get_num_threads());
        Assert.InRange(StartupTuning.MatmulError(), 0, 2e-6);
        if (OperatingSystem.IsLinux() && StartupTuning.IsAllowed) Assert.True(tuned.Allocator);
        // Which it is depends on the processor; that it is one which loses nothing is what the error says.
    }

    [Fact]
    public void Tuning_can_be_left_alone()
    {
        var tuned = StartupTuning.Apply(tuning: false, threads: 0, TorchSharp.DeviceType.CPU);
        Assert.False(tuned.Allocator);
        Assert.Equal("highest", tuned.Precision);
        Assert.Equal(StartupTuning.DefaultThreads, tuned.Threads);
    }

    // On CUDA a lower mode of float32 products is TF32: whatever the settings say, it is not taken, and what was set for another device is taken back.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Products_are_exact_where_the_run_computes_on_a_GPU(bool tuning)
    {
        backends.cudnn.allow_tf32 = true;
        StartupTuning.Apply(tuning: true, threads: 1, TorchSharp.DeviceType.CPU);
        Assert.Equal("highest", StartupTuning.Apply(tuning, threads: 1, TorchSharp.DeviceType.CUDA).Precision);
        Assert.False(backends.cudnn.allow_tf32);
        Assert.False(backends.cuda.matmul.allow_tf32);
    }

    [Theory]
    [InlineData(true, TorchSharp.DeviceType.CPU, true)]
    [InlineData(false, TorchSharp.DeviceType.CPU, false)]
    [InlineData(true, TorchSharp.DeviceType.CUDA, false)]
    [InlineData(true, TorchSharp.DeviceType.MPS, false)]
    public void Only_a_CPU_s_products_may_be_lower(bool tuning, TorchSharp.DeviceType device, bool lower) => Assert.Equal(lower, StartupTuning.Lowers(tuning, device));

    [Fact]
    public void A_device_without_a_driver_has_no_memory_to_tell()
    {
        Assert.Null(DeviceMemory.Of(CPU));
        Assert.Null(QueuedWork.Of(CPU));
        if (!cuda.is_available()) Assert.Null(DeviceMemory.Of(new Device(TorchSharp.DeviceType.CUDA, 0)));
        Assert.Equal(3, new DeviceRoom(Free: 7, Total: 10).Used);
    }

    [Fact]
    public void A_stage_is_charged_for_what_its_device_still_has_to_do()
    {
        var time = new ManualTime();
        var stages = new OpenStages(time);
        var queued = TimeSpan.Zero;
        stages.AddFirst(new QueuedWork(() =>
        {
            time.Advance(queued);
            queued = TimeSpan.Zero;
        }));
        stages.Run("outer", () =>
        {
            queued = TimeSpan.FromSeconds(1);
            stages.Run("inner", () => queued = TimeSpan.FromSeconds(4));
            return queued = TimeSpan.FromSeconds(2);
        });
        var seconds = stages.Times.Take();
        Assert.Equal((3.0, 4.0), (seconds["outer"], seconds["inner"]));
    }

    [Fact]
    public void The_environment_turns_tuning_off()
    {
        Environment.SetEnvironmentVariable("LEAPALIGN_TUNING", "0");
        try
        {
            Assert.False(StartupTuning.Apply(tuning: true, threads: 1, TorchSharp.DeviceType.CPU).Allocator);
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
