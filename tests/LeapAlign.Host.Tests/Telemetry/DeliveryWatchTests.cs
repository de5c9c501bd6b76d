using System.Net;
using System.Net.Sockets;
using LeapAlign.Host.Telemetry.Export;
using LeapAlign.Host.Tests.Live;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Telemetry;

/// <summary>What is said of a receiver, and how long anybody waits for it.</summary>
public sealed class DeliveryWatchTests
{
    private readonly List<Fault> _warnings = [];
    private readonly ManualTime _time = new();

    [Fact]
    public async Task A_receiver_that_is_not_there_is_one_warning()
    {
        using var watch = new DeliveryWatch(_warnings.Add, _time);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var address = new Uri($"http://{listener.LocalEndpoint}/v1/traces");
        listener.Stop();
        using var client = watch.Client(TimeSpan.FromSeconds(10));
        for (var export = 0; export < 3; export++) await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(address));
        var warning = Assert.Single(_warnings);
        Assert.Equal(FaultCodes.ServiceUnreachable, warning.Code);
        Assert.Contains(address.GetLeftPart(UriPartial.Authority), warning.Message, StringComparison.Ordinal);
        Assert.False(watch.IsWell(TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public async Task Nobody_waits_at_the_end_for_one_that_does_not_answer()
    {
        using var watch = new DeliveryWatch(_warnings.Add, _time);
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        using var client = watch.Client(TimeSpan.FromSeconds(60));
        var export = client.GetAsync(new Uri($"http://{silent.LocalEndpoint}/"));
        Assert.True(watch.IsWell(TimeSpan.FromSeconds(60)));
        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.True(watch.IsWell(TimeSpan.FromSeconds(60)));
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.False(watch.IsWell(TimeSpan.FromSeconds(60)));
        watch.Abandon(quietly: false);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => export.WaitAsync(TimeSpan.FromSeconds(50), TestContext.Current.CancellationToken));
        Assert.Equal(FaultCodes.ServiceTooSlow, Assert.Single(_warnings).Code);
        Assert.Contains("did not answer within 61 s", _warnings[0].Message, StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.GetAsync(new Uri($"http://{silent.LocalEndpoint}/")));
        Assert.Single(_warnings);
    }

    [Theory]
    [InlineData("HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n", "answered 503 ServiceUnavailable")]
    [InlineData("HTTP/1.1 200 OK\r\ngrpc-status: 12\r\ngrpc-message: no%20metrics\r\ncontent-length: 0\r\n\r\n", "answered gRPC status 12 no metrics")]
    [InlineData("HTTP/1.1 200 OK\r\ngrpc-status: 0\r\ncontent-length: 0\r\n\r\n", null)]
    public async Task A_refusal_is_told_with_its_status(string answer, string? words)
    {
        using var watch = new DeliveryWatch(_warnings.Add, _time);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = watch.Client(TimeSpan.FromSeconds(10));
        var export = client.GetAsync(new Uri($"http://{listener.LocalEndpoint}/"));
        using (var socket = await listener.AcceptTcpClientAsync())
        {
            var stream = socket.GetStream();
            await stream.ReadAtLeastAsync(new byte[4096], 1, throwOnEndOfStream: false);
            await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(answer));
            using var response = await export;
        }
        if (words is null)
        {
            Assert.Empty(_warnings);
            Assert.True(watch.IsWell(TimeSpan.FromSeconds(1)));
            return;
        }
        Assert.Equal(FaultCodes.ServiceRefused, Assert.Single(_warnings).Code);
        Assert.Contains(words, _warnings[0].Message, StringComparison.Ordinal);
    }
}
