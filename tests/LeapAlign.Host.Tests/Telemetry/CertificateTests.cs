using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using LeapAlign.Host.Telemetry.Export;
using LeapAlign.Host.Telemetry.Export.Variables;
using LeapAlign.Host.Tests.Live;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Telemetry;

/// <summary>Receivers with certificates of their own.</summary>
public sealed class CertificateTests : IDisposable
{
    private readonly TestWorkspace _workspace = new();
    private readonly List<Fault> _warnings = [];

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_receiver_is_trusted_by_the_certificate_that_is_named_or_the_reason_is_said(bool named)
    {
        using var certificate = Certificate("localhost");
        var path = Path.Combine(_workspace.Folder, "ca.pem");
        await File.WriteAllTextAsync(path, certificate.ExportCertificatePem(), TestContext.Current.CancellationToken);
        Assert.Null(Certificates.Authorities(path));
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = Serve(listener, certificate);
        using var watch = new DeliveryWatch(_warnings.Add, new ManualTime());
        using var client = watch.Client(TimeSpan.FromSeconds(50), Certificates.Options(named ? path : null, null, null));
        var export = client.GetAsync(new Uri($"https://localhost:{((IPEndPoint)listener.LocalEndpoint).Port}/"), TestContext.Current.CancellationToken);
        if (named)
        {
            using var response = await export;
            Assert.Empty(_warnings);
        }
        else
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => export);
            var warning = Assert.Single(_warnings);
            Assert.Equal(FaultCodes.ServiceUnreachable, warning.Code);
            Assert.Contains("could not be reached: The SSL connection could not be established: The remote certificate is invalid", warning.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("see inner", warning.Message, StringComparison.Ordinal);
        }
        await serving;
    }

    [Fact]
    public void Files_that_are_none_are_said_to_be()
    {
        var path = Path.Combine(_workspace.Folder, "none.pem");
        File.WriteAllText(path, "no certificate");
        Assert.Contains("without a certificate", Certificates.Authorities(path), StringComparison.Ordinal);
        Assert.Contains("cannot be read", Certificates.Authorities(Path.Combine(_workspace.Folder, "absent.pem")), StringComparison.Ordinal);
        Assert.Contains("cannot be read", Certificates.Client(path, null), StringComparison.Ordinal);
    }

    private static X509Certificate2 Certificate(string name)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private static async Task Serve(TcpListener listener, X509Certificate2 certificate)
    {
        using var socket = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        await using var stream = new SslStream(socket.GetStream());
        try
        {
            await stream.AuthenticateAsServerAsync(certificate);
            await stream.ReadAtLeastAsync(new byte[4096], 1, throwOnEndOfStream: false, TestContext.Current.CancellationToken);
            await stream.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        }
        catch (Exception refused) when (refused is IOException or AuthenticationException)
        {
            // The client does not trust it.
        }
    }
}
